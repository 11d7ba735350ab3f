package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/restore"
	"github.com/appbur/appbur/pkg/selection"
)

// statusOptions say of which kinds the saved status is restored. plan, restore and verify take the
// same, so that all three expect the same.
type statusOptions struct{ only, not []string }

func (o *statusOptions) addFlags(command *cobra.Command) {
	f := command.Flags()
	f.StringArrayVar(&o.only, "status", nil,
		"restore the saved status of these `KINDS` of custom resources only, in the words of --kind; of all if it is not given")
	f.StringArrayVar(&o.not, "no-status", nil,
		"do not restore the saved status of these `KINDS` of custom resources: their controllers find them without one; patterns")
}

// keeps finds out of which kinds of a point the status is restored, nil for all.
func (o *statusOptions) keeps(e *env, point restore.Point) (func(appbur.GroupKind) bool, error) {
	if len(o.only)+len(o.not) == 0 {
		return nil, nil
	}
	selector, err := selection.Parse(selection.Words{Kinds: listed(o.only), ExcludeKinds: listed(o.not)})
	if err != nil {
		return nil, statusError(err, point)
	}
	var objects []selection.Object
	for _, kind := range point.StatusKinds() {
		objects = append(objects, selection.Object{ID: appbur.ObjectID{Group: kind.Group, Kind: kind.Kind}})
	}
	var resources []selection.Resource
	for i, id := range point.Objects.IDs() {
		if id.Kind != "CustomResourceDefinition" {
			continue
		}
		if resource, ok := resourceOf(point.Objects.At(i).Content); ok {
			resources = append(resources, resource)
		}
	}

	selected, err := selector.Resolve(objects, nil, resources)
	if err != nil {
		return nil, statusError(err, point)
	}
	for _, idle := range selected.Idle() {
		e.warn("--no-status leaves nothing out: the restore point has no status of %s", idle.Word)
	}
	return func(kind appbur.GroupKind) bool {
		return selected.Holds(selection.Object{ID: appbur.ObjectID{Group: kind.Group, Kind: kind.Kind}})
	}, nil
}

// statusError says a mistake in the words for kinds.
func statusError(err error, point restore.Point) error {
	var word *selection.WordError
	if !errors.As(err, &word) {
		return err
	}
	flag := "--status"
	if word.Part == selection.PartExcludeKind {
		flag = "--no-status"
	}
	kinds := []string{}
	for _, kind := range point.StatusKinds() {
		kinds = append(kinds, kind.String())
	}

	switch {
	case errors.Is(err, selection.ErrNoMatch) && len(kinds) == 0:
		return &notFoundError{appbur.WithHint(fmt.Errorf("%s %s: the restore point has no status of any kind", flag, word.Word), "leave it out")}
	case errors.Is(err, selection.ErrNoMatch):
		return &notFoundError{appbur.WithHint(fmt.Errorf("%s: the restore point has no status of %s", flag, word.Word),
			"it has that of "+appbur.Shortlist(kinds, shownNames)+"; controllers compute that of built-in kinds")}
	}
	return &usageError{appbur.WithHint(fmt.Errorf("%s %w", flag, err), "for example "+flag+" machine.cluster.x-k8s.io,'*.example.com'")}
}
