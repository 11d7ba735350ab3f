package restore

import (
	"context"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
)

// fewOfKind is up to how many objects of a kind are read one by one rather than listed:
// an account with rights in one namespace can do the first, and lists can be long.
const fewOfKind = 20

// present finds those objects that come with chosen ones and exist. A target that does
// not serve their kind yet has none of them.
func (s *surveyor) present(ctx context.Context, p Point, t compat.Target) error {
	type at struct {
		saved, id  appbur.ObjectID
		apiVersion string
	}
	byKind := make(map[typeKey][]at)
	for _, kept := range p.Objects.list {
		if kept.Need == nil {
			continue
		}
		o := kept.open()
		verdict := compat.Judge(o.Content, t)
		if !verdict.Creatable() {
			continue
		}
		id := o.ID
		id.Group = groupOf(verdict.APIVersion)
		key := typeKey{verdict.APIVersion, id.Kind}
		byKind[key] = append(byKind[key], at{o.ID, id, verdict.APIVersion})
	}

	for key, objects := range byKind {
		if len(objects) > fewOfKind {
			existing, err := s.existing(ctx, key.apiVersion, key.kind)
			if err != nil {
				return err
			}
			for _, o := range objects {
				if found, ok := existing[o.id]; ok && !found.Terminating {
					s.Present[o.saved] = true
				}
			}
			continue
		}
		for _, o := range objects {
			live, err := s.get(ctx, o.id, o.apiVersion)
			if err != nil {
				return err
			}
			if live != nil && text(live, "metadata", "deletionTimestamp") == "" {
				s.Present[o.saved] = true
			}
		}
	}
	return nil
}
