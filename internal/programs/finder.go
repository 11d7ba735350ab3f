package programs

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/apps/services"
)

// ErrNotDeclared is the error of an application that no ConfigMap declares, as far as it was asked to.
var ErrNotDeclared = errors.New("no ConfigMap declares its commands")

// Finder finds declarations in a cluster: ConfigMaps with the label of an application. Who can write one has commands
// run in pods of its namespace with the rights of this process, so only namespaces that are named are looked at.
type Finder struct {
	Opener
	// Namespaces are those of the cluster whose ConfigMaps count.
	Namespaces []string
}

// Looked is an application that a ConfigMap declares, and what is wrong with it.
type Looked struct {
	apps.Target
	Err error
}

// All lists the applications that are declared, by name.
func (f Finder) All(ctx context.Context) ([]Looked, error) {
	var all []Looked
	for _, namespace := range f.Namespaces {
		found, err := f.in(ctx, namespace, services.LabelApp)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, func(a, b Looked) int { return a.Compare(b.AppKey) })
	return slices.CompactFunc(all, func(a, b Looked) bool { return a.AppKey == b.AppKey }), nil
}

// Find looks for one application.
func (f Finder) Find(ctx context.Context, key appbur.AppKey) (apps.Target, error) {
	namespace := key.Namespace
	if f.Namespace != nil {
		namespace = f.Namespace(namespace)
	}
	if !slices.Contains(f.Namespaces, namespace) {
		return apps.Target{}, fmt.Errorf("%w: those of the namespace %s do not count", ErrNotDeclared, namespace)
	}
	found, err := f.in(ctx, namespace, services.LabelApp+"="+key.Name)
	switch {
	case err != nil:
		return apps.Target{}, err
	case len(found) == 0:
		return apps.Target{}, appbur.WithHint(fmt.Errorf("%w: none in the namespace %s has the label %s=%s", ErrNotDeclared, namespace,
			services.LabelApp, key.Name), "docs/programs.md shows such a ConfigMap")
	}
	target := found[0].Target
	target.AppKey = key
	return target, found[0].Err
}

// in lists what the ConfigMaps of a namespace declare. One without the key of a declaration declares nothing.
func (f Finder) in(ctx context.Context, namespace, selector string) ([]Looked, error) {
	where, err := f.pods(appbur.AppKey{})
	if err != nil {
		return nil, err
	}
	list, err := where.core.ConfigMaps(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, appbur.WithHint(fmt.Errorf("looking for commands of applications in the namespace %s: %w", namespace, err),
			"the account needs the rights to get and list configmaps in the namespace (docs/programs.md)")
	}

	found := make(map[appbur.AppKey]Looked)
	for _, held := range list.Items {
		if _, ok := held.Data[Key]; !ok {
			continue
		}
		key := appbur.AppKey{Namespace: namespace, Name: held.Labels[services.LabelApp]}
		one := Looked{Target: apps.Target{
			AppKey: key, Address: configMapScheme + held.Name, Schedules: services.Schedules(held.Annotations),
		}}
		_, one.Err = fromConfigMap(&held)
		if _, twice := found[key]; twice {
			one.Err = appbur.WithHint(fmt.Errorf("%w: several ConfigMaps of the namespace %s are labelled for %s", services.ErrAmbiguous, namespace,
				key.Name), "take the label "+services.LabelApp+" from all of them but one")
		}
		found[key] = one
	}
	var all []Looked
	for _, one := range found {
		all = append(all, one)
	}
	return all, nil
}

func fromConfigMap(held *corev1.ConfigMap) (Declaration, error) {
	declared, err := Parse([]byte(held.Data[Key]))
	if err != nil {
		return declared, fmt.Errorf("the ConfigMap %s/%s: %w", held.Namespace, held.Name, err)
	}
	return declared, nil
}
