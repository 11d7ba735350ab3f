package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/restore"
	"github.com/appbur/appbur/pkg/selection"
)

// selectionOptions say which objects and applications of a restore point are meant, in
// the same words for every command.
type selectionOptions struct {
	words selection.Words
}

func (o *selectionOptions) addFlags(command *cobra.Command) {
	f := command.Flags()
	f.StringArrayVarP(&o.words.Namespaces, "namespace", "n", nil,
		"only what is in these `NAMESPACES`, and the namespaces themselves; patterns such as team-* in a comma-separated list, or repeatable")
	f.StringArrayVar(&o.words.Kinds, "kind", nil, "only objects of these `KINDS`: kinds, resources or short names, with or without the group; patterns")
	f.StringArrayVar(&o.words.Names, "name", nil, "only objects of these `NAMES`; patterns")
	f.StringVarP(&o.words.Labels, "selector", "l", "", "only objects that match this label `SELECTOR`, as in kubectl")
	f.StringArrayVar(&o.words.ExcludeNamespaces, "exclude-namespace", nil, "nothing of these `NAMESPACES`; patterns")
	f.StringArrayVar(&o.words.ExcludeKinds, "exclude-kind", nil, "no objects of these `KINDS`; patterns")
	f.StringArrayVar(&o.words.ExcludeNames, "exclude-name", nil, "no objects of these `NAMES`; patterns")
	f.StringVar(&o.words.ExcludeLabels, "exclude-selector", "", "no objects that match this label `SELECTOR`")
}

// addAppFlags are for commands that have to do with the state of applications.
func (o *selectionOptions) addAppFlags(command *cobra.Command) {
	command.Flags().StringArrayVar(&o.words.ExcludeApps, "exclude-app", nil, "no state of these `APPLICATIONS`: NAMESPACE/NAME or NAME; patterns")
}

// partOptions are selectionOptions of a command that restores what is selected.
type partOptions struct {
	selectionOptions
	dependencies bool
	owners       string
	only         string
}

// What --only takes.
const (
	onlyManifests = "manifests"
	onlyState     = "state"
)

func (o *partOptions) addFlags(command *cobra.Command) {
	o.addObjectFlags(command)
	o.addAppFlags(command)
	command.Flags().StringVar(&o.only, "only", "", "`WHAT` to restore: manifests, or state (of applications); both if it is not given")
}

// addObjectFlags are for commands that have nothing to do with the state of applications.
func (o *partOptions) addObjectFlags(command *cobra.Command) {
	o.selectionOptions.addFlags(command)
	f := command.Flags()
	f.BoolVar(&o.dependencies, "with-dependencies", true,
		"bring what selected objects need (namespaces, definitions, accounts and their rights, what they name); nothing that exists is changed for it")
	f.StringVar(&o.owners, "owners", string(restore.OwnersInclude),
		"owners that are not selected: `include` (link to the one that exists, else create it), drop (the reference), or fail")
}

// takeApps separates applications that are named to select them from those with an
// address, which it returns.
func (o *selectionOptions) takeApps(texts []string) []string {
	var addresses []string
	for _, text := range texts {
		name, _, isAddress := strings.Cut(text, "=")
		if !isAddress {
			o.words.Apps = append(o.words.Apps, text)
			continue
		}
		addresses = append(addresses, text)
		o.words.AppsAlso = append(o.words.AppsAlso, name)
	}
	return addresses
}

// parse reads the words before anything else is read.
func (o *selectionOptions) parse() (selection.Selector, error) {
	w := o.words
	for _, list := range []*[]string{
		&w.Namespaces, &w.Kinds, &w.Names, &w.Apps, &w.ExcludeNamespaces, &w.ExcludeKinds, &w.ExcludeNames, &w.ExcludeApps,
	} {
		*list = listed(*list)
	}
	selector, err := selection.Parse(w)
	return selector, selectionError(err)
}

// parse reads the words, and what is to become of them.
func (o *partOptions) parse() (selection.Selector, error) {
	if !slices.Contains([]string{"", onlyManifests, onlyState}, o.only) {
		return selection.Selector{}, &usageError{appbur.WithHint(fmt.Errorf("--only: %q is not known", o.only),
			"pass --only manifests or --only state")}
	}
	policies := []restore.OwnerPolicy{restore.OwnersInclude, restore.OwnersDrop, restore.OwnersFail}
	if !slices.Contains(policies, restore.OwnerPolicy(o.owners)) {
		return selection.Selector{}, &usageError{appbur.WithHint(fmt.Errorf("--owners: %q is not known", o.owners),
			"pass --owners include, drop or fail")}
	}
	if o.only == onlyManifests && len(o.words.AppsAlso)+len(o.words.Apps) > 0 {
		return selection.Selector{}, &usageError{appbur.WithHint(
			errors.New("--only manifests leaves the state of applications out, and --app names one"),
			"leave --app or --only out")}
	}
	return o.selectionOptions.parse()
}

// choose returns the part of the point that is meant.
func (o *partOptions) choose(e *env, selector selection.Selector, point restore.Point) (restore.Point, error) {
	if selector.Everything() && o.only == "" {
		return point, nil
	}
	selected, err := resolve(e, selector, point)
	if err != nil {
		return point, err
	}

	text := selected.String()
	if o.only != "" {
		text += ", " + o.only + " only"
	}

	chosen, err := point.Choose(restore.Choice{
		Text: text,
		Objects: func(object restore.Object) bool {
			return o.only != onlyState && selected.Holds(selectable(object.ID, object.Content))
		},
		Apps:         func(app appbur.AppKey) bool { return o.only != onlyManifests && selected.HoldsApp(app) },
		Dependencies: o.dependencies,
		Owners:       restore.OwnerPolicy(o.owners),
	})
	if errors.Is(err, restore.ErrOwnerNotChosen) {
		return point, &usageError{appbur.WithHint(fmt.Errorf("--owners fail: %w", err),
			"select the owner as well, or pass --owners include or drop")}
	}
	return chosen, err
}

// resolve compares the words with what is in any of the points.
func resolve(e *env, selector selection.Selector, points ...restore.Point) (selection.Selection, error) {
	var objects []selection.Object
	var resources []selection.Resource
	var apps []appbur.AppKey
	for _, point := range points {
		for _, object := range point.Objects.All() {
			objects = append(objects, selectable(object.ID, object.Content))
			if resource, ok := resourceOf(object.Content); ok {
				resources = append(resources, resource)
			}
		}
		for _, app := range point.Meta.Apps {
			apps = append(apps, app.AppKey)
		}
	}

	return resolveAmong(e, selector, objects, apps, resources)
}

// resolveAmong is resolve for who has no point.
func resolveAmong(
	e *env, selector selection.Selector, objects []selection.Object, apps []appbur.AppKey, resources []selection.Resource,
) (selection.Selection, error) {
	selected, err := selector.Resolve(objects, apps, resources)
	if err != nil {
		return selection.Selection{}, selectionError(err)
	}
	for _, idle := range selected.Idle() {
		e.warn("--%s excludes nothing: %v", idle.Part, &idle)
	}
	return selected, nil
}

// selectable is what a selection looks at.
func selectable(id appbur.ObjectID, content map[string]any) selection.Object {
	return selection.Object{ID: id, Labels: metadataTexts(content, "labels")}
}

// resourceOf reads what a definition calls its kind besides.
func resourceOf(content map[string]any) (selection.Resource, bool) {
	if content["kind"] != "CustomResourceDefinition" {
		return selection.Resource{}, false
	}
	spec, _ := content["spec"].(map[string]any)
	names, _ := spec["names"].(map[string]any)
	var r selection.Resource
	r.Kind.Group, _ = spec["group"].(string)
	r.Kind.Kind, _ = names["kind"].(string)

	short, _ := names["shortNames"].([]any)
	for _, name := range append([]any{names["plural"], names["singular"]}, short...) {
		if text, ok := name.(string); ok {
			r.Names = append(r.Names, strings.ToLower(text))
		}
	}
	return r, true
}

// selectionError gives a word that means nothing its family and a hint.
func selectionError(err error) error {
	var word *selection.WordError
	if !errors.As(err, &word) {
		return err
	}
	flag := "--" + string(word.Part)
	if word.Part == selection.PartObject {
		flag = "object"
	}
	err = fmt.Errorf("%s %w", flag, err)

	switch {
	case errors.Is(err, selection.ErrNoMatch):
		hint := "`appbur points show POINT` tells what the restore point holds"
		if near := closest(word.Word, word.Known); near != "" {
			hint = "did you mean " + near + "?"
		}
		return &notFoundError{appbur.WithHint(err, hint)}
	case len(word.Kinds) > 0:
		names := make([]string, len(word.Kinds))
		for i, gk := range word.Kinds {
			names[i] = strings.ToLower(gk.String())
		}
		return &usageError{appbur.WithHint(err, "name one with its group: "+appbur.Shortlist(names, shownNames))}
	case len(word.Namespaces) > 0:
		return &usageError{appbur.WithHint(err, "name the namespace as well, with -n: "+appbur.Shortlist(word.Namespaces, shownNames))}
	}
	return &usageError{appbur.WithHint(err, "for example -n team-a, --kind deployment, -l app=web, or deployment/web as an argument")}
}
