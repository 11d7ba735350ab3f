package restore

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/compat/schema"
	"github.com/appbur/appbur/pkg/manifest"
)

// judgeAll gives every object its verdict. Definitions are judged first: they
// decide which custom resources the target will serve.
func (b *planner) judgeAll(objects Objects) error {
	var definitions []map[string]any
	services := make(map[string]appbur.ObjectID) // by group/version
	first := func(id appbur.ObjectID) bool {
		return id.GroupKind() == kindDefinition || id.GroupKind() == kindAPIService
	}

	for _, o := range objects.list {
		if !first(o.ID) {
			continue
		}
		d, err := b.judge(o)
		if err != nil {
			return err
		}
		if d.blocked {
			continue
		}
		content := d.object.Content.Object()
		if o.ID.GroupKind() == kindDefinition {
			if !d.kept { // that of the target says what it serves
				definitions = append(definitions, content)
			}
			read := readDefinition(d.object.ID, content)
			b.kinds[read.kind] = read
			continue
		}
		services[text(content, "spec", "group")+"/"+text(content, "spec", "version")] = d.object.ID
	}

	b.target = compat.WithSchemas(compat.WithCRDs(b.target, definitions), schema.New(definitions, b.target.Version()))
	drafts := make([]*draft, objects.Len()) // nil for those that were judged first
	err := sideBySide(objects.Len(), func(i int) (err error) {
		if !first(objects.ID(i)) {
			drafts[i], err = b.verdictOn(objects.list[i])
		}
		return err
	})
	if err != nil {
		return err
	}
	for i, o := range objects.list {
		d := drafts[i]
		if d == nil {
			continue
		}
		if err := b.keep(d); err != nil {
			return err
		}
		if service, ok := services[o.APIVersion]; ok && d.blocked {
			d.blocked, d.aggregated = false, &service
			d.because("served by an aggregated API of the restore point", "")
		}
	}

	slices.SortFunc(b.order, func(x, y *draft) int { return x.object.ID.Compare(y.object.ID) })
	return nil
}

// judge gives one object its verdict and keeps it.
func (b *planner) judge(o packed) (*draft, error) {
	d, err := b.verdictOn(o)
	if err != nil {
		return nil, err
	}
	return d, b.keep(d)
}

// verdictOn gives one object its verdict. Several goroutines do so, for objects of which none
// decides about another one.
func (b *planner) verdictOn(o packed) (*draft, error) {
	object := o.open()
	if err := object.contradiction(); err != nil {
		return nil, err
	}
	d := &draft{
		object:    draftObject{o.ID, o.APIVersion, o.Content, o.Need},
		redaction: newRedaction(o), verdict: &unjudged, phase: int(o.Phase),
	}
	if len(o.Rewritten) > 0 {
		d.detail().Rewritten = d.redaction.changes(o.Rewritten)
	}
	d.guard(func() error { return b.convert(d, object) })
	if o.Need != nil && b.around.Present[o.ID] {
		d.kept, d.blocked, d.verdict = true, false, &compat.Verdict{}
	} else {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.uids.Add(o.ID, object.Content)
	}
	return d, nil
}

// convert gives the draft its verdict, and the form that the target takes.
func (b *planner) convert(d *draft, o Object) error {
	complete, err := b.withStatus(o)
	if err != nil {
		return err
	}
	d.verdict = b.shared(d.redaction.verdict(compat.Judge(complete, b.target), o.Content))
	d.because(d.verdict.Reason, d.verdict.Hint)
	if !d.verdict.Creatable() {
		d.blocked = true
		return nil
	}

	content, err := compat.Convert(o.Content, *d.verdict, b.target)
	if err != nil {
		return fmt.Errorf("converting it: %w", err)
	}
	id, err := manifest.IDOf(content)
	if err != nil {
		return fmt.Errorf("converting it: %w", err)
	}
	before := d.object.Content
	d.object = draftObject{id, d.verdict.APIVersion, before.or(o.Content, content), o.Need}
	if id != o.ID {
		saved := o.ID
		d.moved = &saved
	}
	if d.verdict.APIVersion != o.APIVersion {
		d.detail().From = o.APIVersion
	}
	if d.known().From != "" || len(d.verdict.Changes) > 0 {
		d.detail().original = &original{object: o.ID, apiVersion: o.APIVersion, content: before}
	}
	return nil
}

// shared returns the one verdict of all objects of which the same is to be said, and that in a word:
// nearly all of a point are served as they are.
func (b *planner) shared(v compat.Verdict) *compat.Verdict {
	if len(v.Changes)+len(v.Notices)+len(v.Refusals) > 0 {
		return &v
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	same := [...]string{string(v.Kind), v.APIVersion, v.Reason, v.Hint}
	if b.verdicts[same] == nil {
		b.verdicts[same] = &v
	}
	return b.verdicts[same]
}

// withStatus returns a custom resource as its schema sees it: with the status that the
// index keeps.
func (b *planner) withStatus(o Object) (map[string]any, error) {
	entry := b.point.Index[o.ID]
	if _, defined := b.kinds[o.ID.GroupKind()]; !defined || entry.Status == nil {
		return o.Content, nil
	}
	status, err := decodeStatus(entry)
	if err != nil {
		return nil, err
	}
	return with(o.Content, status, "status"), nil
}

// keep records the draft. An object that conversion moves onto another one of the
// point is the same object in its old group: the newer form is kept.
func (b *planner) keep(d *draft) error {
	other, ok := b.drafts[d.object.ID]
	if !ok {
		b.drafts[d.object.ID] = d
		b.order = append(b.order, d)
		return nil
	}
	if d.known().From == "" && other.known().From == "" {
		return fmt.Errorf("the restore point holds %s twice", d.object.ID)
	}
	b.note(NoteTwice, d.object.ID, "the restore point has it as %s too; the newer form is restored",
		cmp.Or(d.known().From, other.known().From))
	if d.known().From == "" {
		b.drafts[d.object.ID] = d
		b.order[slices.Index(b.order, other)] = d
	}
	return nil
}
