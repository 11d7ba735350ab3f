package restore

import (
	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
)

// draft is what is known of one object before the graph is built.
type draft struct {
	saved   appbur.ObjectID // as in the point; the index knows it by this
	before  Content         // as in the point
	object  draftObject     // as in the target
	verdict *compat.Verdict // shared by those of which there is nothing to say
	from    string
	// phase is the place of the phase that it is chosen for, 0 for none.
	phase int
	// original is the saved form of an object that is converted, nil for others.
	original *original
	// blocked drafts have no step that writes; skipped ones of them need no consent.
	blocked bool
	skipped bool
	// kept drafts are of objects that the target has and others need; nothing is written.
	kept      bool
	why       string
	hint      string
	redaction *redaction
	rewritten []compat.Change
	// contested is the definition that has the names which this one wants.
	contested *draft
	// aggregated is the APIService that serves the kind, if the point has it.
	aggregated *appbur.ObjectID

	// digest is that of the content without its secrets, zero while it is not known.
	digest appbur.Digest

	status any // sent to the status subresource
	owners []Owner
	// references are the objects that it names.
	references []appbur.ObjectID

	// prepared comes before apply, where the object is made in two steps.
	prepared, apply, wait, statusNode, handOver, blockedNode *node
}

// draftObject is an object as the target gets it.
type draftObject struct {
	ID         appbur.ObjectID
	APIVersion string
	Content    Content
	Need       *Need
}

func (o draftObject) open() Object {
	return Object{ID: o.ID, APIVersion: o.APIVersion, Content: o.Content.Object(), Need: o.Need}
}

// unjudged is the verdict of objects that a fault kept from getting one.
var unjudged compat.Verdict

// guard does some of the planning for one object. An error, or a panic, blocks this
// object and no other one.
func (d *draft) guard(work func() error) {
	err := d.redaction.error(appbur.Guard(work))
	if err != nil {
		d.blocked, d.why, d.hint = true, err.Error(), hintFor(err)
	}
}
