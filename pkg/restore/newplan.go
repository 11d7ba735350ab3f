package restore

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/manifest"
)

// Options say what a plan shall be like.
type Options struct {
	Policy Policy
	// Surroundings come from [Survey]; without them the plan leaves more to the server.
	Surroundings Surroundings
}

// NewPlan decides what restoring the point to the target will do. It is pure: the
// same arguments give the same plan, in whatever order the objects come. The
// error is about a point that contradicts itself; what the target cannot take is
// no error but a blocked step.
func NewPlan(p Point, t compat.Target, o Options) (*Plan, error) {
	objects, err := p.sorted()
	if err != nil {
		return nil, err
	}

	b := &planner{
		point:  p,
		target: compat.WithSource(t, p.Meta.Cluster.Version),
		around: o.Surroundings,
		drafts: make(map[appbur.ObjectID]*draft, objects.Len()),
		kinds:  make(map[appbur.GroupKind]definition),
		notes:  slices.Clone(p.Notes),

		verdicts: make(map[[4]string]*compat.Verdict),
	}
	if err := b.judgeAll(objects); err != nil {
		return nil, err
	}
	// The drafts have all of them now: nothing else is to hold on to a large point.
	objects, p.Objects, b.point.Objects = Objects{}, Objects{}, Objects{}

	for _, question := range b.around.Unanswered {
		b.note(NoteTarget, appbur.ObjectID{}, "the target did not say %s", question)
	}
	b.uidsInside()
	b.contest()
	b.leaveOut()
	for _, d := range b.written() {
		d.guard(func() error { b.addresses(d); return nil })
	}
	if err := b.shapeAll(); err != nil {
		return nil, err
	}

	for _, d := range b.written() {
		d.guard(func() error { b.fillIn(d); return nil })
	}
	b.link()
	if err := b.phase(); err != nil {
		return nil, err
	}
	steps, err := b.steps()
	if err != nil {
		return nil, err
	}
	slices.SortFunc(b.notes, func(x, y Note) int {
		return cmp.Or(x.Object.Compare(y.Object), strings.Compare(string(x.Kind), string(y.Kind)), strings.Compare(x.What, y.What))
	})

	pausing := b.pausing()
	return &Plan{
		Format: PlanFormat,
		Point:  p.Meta.ID,
		Source: p.Meta.Cluster,
		Target: t.Version(),
		Policy: o.Policy,
		Part:   p.Part,
		Steps:  steps,

		Pausing: pausing,
		Phases:  b.plannedPhases(pausing),

		Notes: append(b.notes, oldApps(p.Meta)...),
		Apps:  p.Meta.Apps,

		partial: p.Meta.Partial,
		covered: coveredBy(p, t),
		taken:   p.Meta.Started,
	}, nil
}

// oldApps are the applications whose state is older than the rest of a restore point.
func oldApps(point appbur.RestorePoint) []Note {
	var notes []Note
	for _, app := range point.Apps {
		if app.From != nil {
			notes = append(notes, Note{Kind: NoteApplication, What: fmt.Sprintf(
				"the state of the application %s is that of %s, %s before this restore point", app.AppKey, app.From.Point,
				point.Created.Sub(app.From.Created).Round(time.Minute))})
		}
	}
	return notes
}

// uidsInside reports, once for each field of a kind, which objects contain uids of the
// source as content. Only their controllers know what they are for.
func (b *planner) uidsInside() {
	for _, place := range b.uids.List() {
		b.note(NoteUID, appbur.ObjectID{}, "%s", place)
	}
}

type planner struct {
	point  Point
	target compat.Target
	around Surroundings
	// drafts by the id in the target, order the same drafts sorted.
	drafts map[appbur.ObjectID]*draft
	order  []*draft
	kinds  map[appbur.GroupKind]definition

	// mu guards what objects have in common while several of them are judged or shaped.
	mu    sync.Mutex
	notes []Note
	// uids are where objects contain uids of the source.
	uids manifest.UIDPlaces
	// verdicts are those that several objects share.
	verdicts map[[4]string]*compat.Verdict
}

// written are the drafts of objects that the plan does not keep as they are.
func (b *planner) written() []*draft {
	return slices.DeleteFunc(slices.Clone(b.order), func(d *draft) bool { return d.kept })
}

func (b *planner) note(kind NoteKind, id appbur.ObjectID, format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.notes = append(b.notes, Note{Kind: kind, Object: id, What: fmt.Sprintf(format, args...)})
}

// shapeAll finishes the content of every object and resolves its owners.
func (b *planner) shapeAll() error {
	byUID := make(map[string]*draft, len(b.order))
	for _, d := range b.order {
		if uid := b.point.Index[d.saved()].UID; uid != "" {
			byUID[uid] = d
		}
	}

	restored := func(id appbur.ObjectID) bool {
		d, ok := b.drafts[id]
		return ok && !d.blocked
	}

	scope := scopeOf(b.order)
	shape := func(d *draft) {
		if !d.blocked {
			d.guard(func() error { return b.shape(d, restored, scope) })
		}
	}
	written := b.written()
	apart := func(d *draft) bool { return slices.Contains(shapedByOthers, d.object.ID.GroupKind()) }
	if err := sideBySide(len(written), func(i int) error {
		if !apart(written[i]) {
			shape(written[i])
		}
		return nil
	}); err != nil {
		return err
	}
	for _, d := range written {
		if apart(d) {
			shape(d)
		}
	}

	for _, d := range b.written() {
		if !d.blocked {
			b.resolveOwners(d, b.point.Index[d.saved()], byUID)
		}
	}
	return nil
}

// shapedByOthers are the kinds whose form depends on whether another object is restored
// ([shaping.has]): they are shaped in their order.
var shapedByOthers = []appbur.GroupKind{kindClaim, kindVolume}

// shape finishes the content of one object and finds what it names.
func (b *planner) shape(d *draft, restored func(id appbur.ObjectID) bool, s *scope) error {
	entry := b.point.Index[d.saved()]
	apart, err := b.statusApart(d, entry)
	if err != nil {
		return err
	}
	in := shaping{
		entry: entry, has: restored, statusApart: apart, uid: b.sourceUID,
		note: func(kind NoteKind, format string, args ...any) { b.note(kind, d.object.ID, format, args...) },
	}
	o := d.object.open()
	before := o.Content
	if o.Content, err = shape(o.ID, o.Content, in); err != nil {
		return err
	}
	d.object.Content, d.references = d.object.Content.or(before, o.Content), references(o, s)
	if d.digest, err = digestContent(d.redaction.mask(o.Content)); err != nil {
		return err
	}

	original := d.known().original
	if original == nil {
		return nil
	}
	in.note = func(NoteKind, string, ...any) {}
	saved := original.content.Object()
	shaped, err := shape(d.saved(), saved, in)
	original.content = original.content.or(saved, shaped)
	return err
}

// sourceUID returns the uid that an object had in the source, by its id in the target.
func (b *planner) sourceUID(id appbur.ObjectID) string {
	if d, ok := b.drafts[id]; ok {
		return b.point.Index[d.saved()].UID
	}
	return ""
}

// statusApart decides how the status of a custom resource is restored, and
// reports whether it is kept out of the object itself.
func (b *planner) statusApart(d *draft, entry manifest.Entry) (bool, error) {
	if entry.Status == nil {
		return true, nil
	}
	if from := d.known().From; from != "" && !d.verdict.RenamedOnly() {
		b.note(NoteStatus, d.object.ID, "its status is of version %s and is not restored: the object is applied at %s", from,
			d.object.APIVersion)
		return true, nil
	}
	definition, known := b.kinds[d.object.ID.GroupKind()]
	if known && !definition.hasStatusApart(d.object.APIVersion) {
		return false, nil
	}
	status, err := decodeStatus(entry)
	if err != nil {
		return true, err
	}
	d.status = status // also an empty one: a definition may give another by default
	return true, nil
}

// resolveOwners turns owner references with uids of the source into links between
// objects of the point. A reference whose uid is not in the point is left out:
// the garbage collector of the target would delete the object for it.
func (b *planner) resolveOwners(d *draft, entry manifest.Entry, byUID map[string]*draft) {
	for _, reference := range entry.Owners {
		owner, ok := byUID[reference.UID]
		name := fmt.Sprintf("%s %s", appbur.GroupKind{Group: groupOf(reference.APIVersion), Kind: reference.Kind}, reference.Name)
		switch {
		case !ok && b.point.Part.narrows():
			b.note(NoteOwner, d.object.ID, "owner %s is not selected, or not in the restore point: restored without this owner", name)
		case !ok:
			b.note(NoteOwner, d.object.ID, "owner %s is not in the restore point: restored without this owner", name)
		case owner.blocked:
			b.note(NoteOwner, d.object.ID, "owner %s is blocked: restored without this owner", name)
		case owner == d:
			b.note(NoteOwner, d.object.ID, "it owns itself: restored without this owner")
		case owner.object.ID.Namespace != "" && owner.object.ID.Namespace != d.object.ID.Namespace:
			b.note(NoteOwner, d.object.ID, "owner %s is in another namespace, which Kubernetes treats as missing: restored without this owner", name)
		default:
			d.detail().Owners = append(d.detail().Owners, Owner{
				Object: owner.object.ID, APIVersion: owner.object.APIVersion,
				Controller: reference.Controller, BlockOwnerDeletion: reference.BlockOwnerDeletion,
			})
		}
	}
}
