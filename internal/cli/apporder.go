package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps/services"
	"github.com/appbur/appbur/pkg/restore"
)

// appOrderOptions say which applications get their state after others.
type appOrderOptions struct{ after []string }

func (o *appOrderOptions) addFlags(command *cobra.Command) {
	command.Flags().StringArrayVar(&o.after, "app-after", nil,
		"`APP=APPS`: import the state of APP after that of APPS (a comma-separated list), and only if they have theirs; counts instead of the "+
			"annotation appbur.io/after of its Service, and APP= waits for none; repeatable")
}

// waits are the applications that others wait for, by those that wait.
type waits map[appbur.AppKey][]appbur.AppKey

// read finds out which applications of a point wait for others: from the Services of the point,
// and from flags, which count instead.
func (o *appOrderOptions) read(e *env, point restore.Point) (waits, error) {
	after := make(waits)
	for i, id := range point.Objects.IDs() {
		if id.Group != "" || id.Kind != "Service" || len(point.Meta.Apps) == 0 {
			continue
		}
		content := point.Objects.At(i).Content
		app, others, ok, err := services.After(id.Namespace, metadataTexts(content, "labels"), metadataTexts(content, "annotations"))
		if err != nil {
			e.warnWithHint(fmt.Sprintf("%s: %v", id, err), fmt.Sprintf("say it with --app-after %s=APPS", app))
		}
		if ok && len(others) > 0 {
			after[app] = append(after[app], others...)
		}
	}

	given := make(map[appbur.AppKey]bool)
	for _, text := range o.after {
		name, list, found := strings.Cut(text, "=")
		if !found || name == "" {
			return nil, &usageError{appbur.WithHint(fmt.Errorf("--app-after: %q is not APP=APPS", text),
				"for example --app-after shop/orders=shop/db")}
		}
		app, err := appNamed(point, name)
		if err != nil {
			return nil, err
		}
		if !given[app] {
			given[app], after[app] = true, nil
		}
		for _, word := range listed([]string{list}) {
			if word == "" {
				continue
			}
			other, err := appNamed(point, word)
			if err != nil {
				return nil, err
			}
			after[app] = append(after[app], other)
		}
	}
	return after, nil
}

// appNamed is the one application of a point that a word means: NAMESPACE/NAME, or NAME.
func appNamed(point restore.Point, word string) (appbur.AppKey, error) {
	var found []appbur.AppKey
	var known []string
	for _, app := range point.Meta.Apps {
		known = append(known, app.String())
		if app.String() == word || app.Name == word {
			found = append(found, app.AppKey)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return appbur.AppKey{}, &usageError{appbur.WithHint(fmt.Errorf("--app-after: %d applications are called %s", len(found), word),
			"name it with its namespace, for example "+found[0].String())}
	}

	hint := "`appbur points show POINT` tells what the restore point holds"
	if near := closest(word, known); near != "" {
		hint = "did you mean " + near + "?"
	}
	return appbur.AppKey{}, &notFoundError{appbur.WithHint(fmt.Errorf("--app-after: the restore point holds no state of %s", word), hint)}
}

// orderApps puts the applications of the plan into the order in which they get their state.
func (p planned) orderApps() error {
	err := p.plan.OrderApps(p.after)
	var cycle *restore.AppCycleError
	if errors.As(err, &cycle) {
		return &usageError{appbur.WithHint(err, fmt.Sprintf("--app-after %s= makes one of them wait for none", cycle.Cycle[0]))}
	}
	return err
}

// metadataTexts returns the labels or the annotations of an object.
func metadataTexts(content map[string]any, field string) map[string]string {
	metadata, _ := content["metadata"].(map[string]any)
	fields, _ := metadata[field].(map[string]any)
	texts := make(map[string]string, len(fields))
	for key, value := range fields {
		texts[key], _ = value.(string)
	}
	return texts
}
