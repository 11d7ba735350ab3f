package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/restore"
	"github.com/appbur/appbur/pkg/restore/rewrite"
	"github.com/appbur/appbur/pkg/restore/rewrite/overlay"
)

// rewriteOptions say what is changed in a restore point on its way. plan, restore and verify
// take the same, so that all three are about the same objects.
type rewriteOptions struct {
	namespaces []string
	fieldsFile string
	images     []string
	classes    []string
	overlay    string
	preserve   []string
	reassign   []string

	changes changes
}

func (o *rewriteOptions) addFlags(command *cobra.Command) {
	flags := command.Flags()
	flags.StringArrayVar(&o.namespaces, "map-namespace", nil,
		"`OLD=NEW`: restore the namespace OLD as NEW, with all references to it; a comma-separated list, or repeatable")
	flags.StringVar(&o.fieldsFile, "namespace-fields", "",
		"with --map-namespace: a YAML `FILE` with more fields that name namespaces (docs/restore.md)")
	flags.StringArrayVar(&o.images, "map-image", nil,
		"`OLD=NEW`: use images from elsewhere, by the beginnings of their names, such as quay.io=registry.local/quay; a list, or repeatable")
	flags.StringArrayVar(&o.classes, "map-storage-class", nil,
		"`OLD=NEW`: use the storage class NEW where claims and volumes name OLD; a list, or repeatable")
	flags.StringArrayVar(&o.preserve, "preserve", nil,
		"`LIST` of node-ports, addresses: give Services what the old cluster chose for them, where it is free")
	flags.StringArrayVar(&o.reassign, "reassign", nil,
		"`LIST` of node-ports, addresses, volumes, finalizers: let the target choose, also where somebody had requested one")
	flags.StringVar(&o.overlay, "overlay", "",
		"`DIR`: change objects by a kustomize overlay that has restore-point among its resources (docs/restore.md)")
}

// renames reports whether objects get other names or namespaces, or may not be there at all.
func (o *rewriteOptions) renames() bool { return len(o.namespaces) > 0 || o.overlay != "" }

// listed splits lists at their commas.
func listed(texts []string) []string {
	var words []string
	for _, text := range texts {
		words = append(words, strings.Split(text, ",")...)
	}
	return words
}

// mapError is a mistake in a flag that maps names, with an example of what it takes.
func mapError(flag, example string, err error) error {
	return &usageError{appbur.WithHint(fmt.Errorf("%s %w", flag, err), "for example "+flag+" "+example)}
}

// changes is what the flags say, read and checked.
type changes struct {
	rewrite.Changes
	// overlay is nil without one.
	overlay *overlay.Overlay
}

// read reads what the flags say, before any long work.
func (o *rewriteOptions) read() (err error) {
	if o.changes.Changes, err = o.maps(); err != nil || o.overlay == "" {
		return err
	}
	root, err := os.OpenRoot(o.overlay)
	if err != nil {
		return o.overlayError(err)
	}
	defer func() { _ = root.Close() }() // it was read

	if o.changes.overlay, err = overlay.Read(root.FS()); err != nil {
		return o.overlayError(err)
	}
	return nil
}

func (o *rewriteOptions) overlayError(err error) error {
	return &usageError{appbur.WithHint(fmt.Errorf("--overlay %s: %w", o.overlay, err),
		"the overlay is a directory whose kustomization.yaml has `resources: [restore-point]` and all of its files beside it (docs/restore.md)")}
}

// maps reads what is changed by a map.
func (o *rewriteOptions) maps() (rewrite.Changes, error) {
	var c rewrite.Changes
	var err error
	if c.Namespaces, err = rewrite.ParseNamespaces(listed(o.namespaces)); err != nil {
		return c, mapError("--map-namespace", "team-a=team-b", err)
	}
	if c.Images, err = rewrite.ParseImages(listed(o.images)); err != nil {
		return c, mapError("--map-image", "quay.io=registry.local/quay", err)
	}
	if c.StorageClasses, err = rewrite.ParseStorageClasses(listed(o.classes)); err != nil {
		return c, mapError("--map-storage-class", "standard=fast", err)
	}

	if c.Preserve, err = rewrite.ParsePreserve(listed(o.preserve)); err != nil {
		return c, mapError("--preserve", "node-ports,addresses", err)
	}
	if c.Reassign, err = rewrite.ParseReassign(listed(o.reassign)); err != nil {
		return c, mapError("--reassign", "node-ports,volumes", err)
	}
	for _, what := range c.Preserve {
		if slices.Contains(c.Reassign, what) {
			return c, &usageError{appbur.WithHint(fmt.Errorf("%s are in --preserve and in --reassign", what), "leave one of them out")}
		}
	}

	if o.fieldsFile == "" {
		return c, nil
	}
	if c.Namespaces.Empty() {
		return c, &usageError{appbur.WithHint(errors.New("--namespace-fields has no meaning without --map-namespace"),
			"pass --map-namespace OLD=NEW as well, or leave --namespace-fields out")}
	}
	data, err := os.ReadFile(o.fieldsFile)
	if err != nil {
		return c, &usageError{appbur.WithHint(fmt.Errorf("--namespace-fields: %w", err),
			"name a YAML file that exists (docs/restore.md has its form)")}
	}
	if c.Fields, err = rewrite.ParseFields(data); err != nil {
		return c, &usageError{appbur.WithHint(fmt.Errorf("--namespace-fields: %s: %w", o.fieldsFile, err),
			"docs/restore.md has the form of the file")}
	}
	return c, nil
}

// rewrite changes a restore point before it is planned.
func (o *rewriteOptions) rewrite(
	ctx context.Context, cluster restore.Cluster, target compat.Target, point restore.Point,
) (restore.Point, error) {
	c := o.changes
	var err error
	if c.Beside, err = existingNamespaces(ctx, cluster, c.Namespaces.Old()); err != nil {
		return restore.Point{}, err
	}
	if c.Originals, err = originals(ctx, cluster, target, c.Changes, point); err != nil {
		return restore.Point{}, err
	}
	return o.change(c, point)
}

// change changes a restore point by what is known of the target.
func (o *rewriteOptions) change(c changes, point restore.Point) (restore.Point, error) {
	changed, err := c.Apply(point)
	var unknown *rewrite.UnknownNamespaceError
	switch {
	case errors.As(err, &unknown):
		return changed, &usageError{appbur.WithHint(fmt.Errorf("--map-namespace: %w", err),
			"it holds: "+appbur.Shortlist(unknown.Held, shownNames))}
	case isType[*rewrite.CollisionError](err):
		return changed, &usageError{appbur.WithHint(fmt.Errorf("--map-namespace: %w", err),
			"map the namespaces to different names, or leave the objects out, with --exclude-name for example")}
	case err != nil || c.overlay == nil:
		return changed, err
	}

	changed, err = c.overlay.Apply(changed)
	if isType[*overlay.Error](err) {
		return changed, o.overlayError(err)
	}
	return changed, err
}

// existingNamespaces returns which of the namespaces the target has. One that may not be read
// counts as there: what belongs to it is then left alone.
func existingNamespaces(ctx context.Context, cluster restore.Cluster, names []string) (map[string]bool, error) {
	existing := make(map[string]bool)
	for _, name := range names {
		_, err := cluster.Get(ctx, appbur.ObjectID{Kind: "Namespace", Name: name}, "v1")
		switch {
		case err == nil, apierrors.IsForbidden(err):
			existing[name] = true
		case !apierrors.IsNotFound(err):
			return nil, clusterHint(fmt.Errorf("reading whether the target has the namespace %s: %w", name, err))
		}
	}
	return existing, nil
}

// renamedObjects returns the objects that have another id in the plan than in the point.
func renamedObjects(plan *restore.Plan) map[appbur.ObjectID]bool {
	renamed := make(map[appbur.ObjectID]bool)
	for _, step := range plan.Steps {
		for _, change := range step.Details().Rewritten {
			if change.Path == "metadata.name" || change.Path == "metadata.namespace" {
				renamed[step.Object] = true
			}
		}
	}
	return renamed
}
