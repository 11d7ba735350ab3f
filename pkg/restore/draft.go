package restore

import (
	"cmp"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
)

// draft is what is known of one object before the graph is built.
type draft struct {
	object draftObject // as in the target
	// moved is its id in the point, where it is another one.
	moved   *appbur.ObjectID
	verdict *compat.Verdict // shared by those of which there is nothing to say
	// phase is the place of the phase that it is chosen for, 0 for none.
	phase int
	// blocked drafts have no step that writes; skipped ones of them need no consent.
	blocked bool
	skipped bool
	// kept drafts are of objects that the target has and others need; nothing is written.
	kept      bool
	why       string
	redaction *redaction
	// details are those of its step, as far as they are known; nil while there are none.
	details *StepDetails
	// contested is the definition that has the names which this one wants.
	contested *draft
	// aggregated is the APIService that serves the kind, if the point has it.
	aggregated *appbur.ObjectID

	// digest is that of the content without its secrets, zero while it is not known.
	digest appbur.Digest

	status any // sent to the status subresource
	// references are the objects that it names.
	references []appbur.ObjectID

	// prepared comes before apply, where the object is made in two steps.
	prepared, apply, wait, statusNode, handOver, blockedNode *node
}

// saved is its id in the point; the index knows it by this.
func (d *draft) saved() appbur.ObjectID {
	if d.moved != nil {
		return *d.moved
	}
	return d.object.ID
}

// known are the details of its step, to be read; detail are they to be changed.
func (d *draft) known() *StepDetails { return cmp.Or(d.details, &noDetails) }

func (d *draft) detail() *StepDetails {
	if d.details == nil {
		d.details = &StepDetails{}
	}
	return d.details
}

// block says why the object is not restored, and what a person can do about it.
func (d *draft) block(why, hint string) {
	d.blocked = true
	d.because(why, hint)
}

// because says why it is restored, or not, with a hint if there is one.
func (d *draft) because(why, hint string) {
	d.why = why
	if hint != d.known().Hint {
		d.detail().Hint = hint
	}
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
		d.block(err.Error(), hintFor(err))
	}
}
