package history

import (
	"fmt"
	"path"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/kindname"
	"github.com/appbur/appbur/pkg/gitsync"
)

// Selector is what a person says about the objects that are meant.
type Selector struct {
	kind      kindname.Name
	hasKind   bool
	name      string
	namespace string
}

// ParseSelector reads "", "KIND" or "KIND/NAME" and an optional namespace.
func ParseSelector(text, namespace string) (Selector, error) {
	s := Selector{namespace: namespace}
	if text == "" {
		return s, nil
	}
	kind, name, named := strings.Cut(text, "/")
	if kind == "" || named && name == "" || strings.ContainsAny(kind, " \t\n") || strings.Contains(name, "/") {
		return Selector{}, appbur.WithHint(fmt.Errorf("%q: %w: want KIND or KIND/NAME", text, ErrNotUnderstood),
			"for example deployment/web, or clusters.cluster.x-k8s.io")
	}
	s.kind, s.hasKind, s.name = kindname.Parse(kind), true, name
	return s, nil
}

// String writes the selector as it was said.
func (s Selector) String() string {
	text := "everything"
	if s.hasKind {
		text = s.kind.String()
		if s.name != "" {
			text += "/" + s.name
		}
	}
	if s.namespace != "" {
		text += " in namespace " + s.namespace
	}
	return text
}

// patterns returns where objects lie whose type is accepted.
func (s Selector) patterns(accepts func(typeName string) bool) []gitsync.Pattern {
	if !s.hasKind {
		if s.namespace == "" {
			return nil
		}
		own := appbur.ObjectID{Kind: "Namespace", Name: s.namespace}
		return []gitsync.Pattern{gitsync.ExactPath(namespaceDir(s.namespace)), gitsync.ExactPath(own.Path())}
	}
	end := gitsync.Pattern{{Match: func(dir string) bool { return accepts(appbur.TypeOfDir(dir)) }}}
	if s.name != "" {
		file := path.Base(appbur.ObjectID{Kind: "x", Name: s.name}.Path())
		end = append(end, gitsync.Name{Exact: file})
	}
	namespaced := gitsync.Pattern{{Exact: appbur.NamespacesDir}, {Match: func(string) bool { return true }}}
	if s.namespace != "" {
		namespaced[1] = gitsync.Name{Exact: path.Base(namespaceDir(s.namespace))}
		return []gitsync.Pattern{append(namespaced, end...)}
	}
	return []gitsync.Pattern{append(gitsync.Pattern{{Exact: appbur.ClusterDir}}, end...), append(namespaced, end...)}
}

// namespaceDir is the directory of a namespace.
func namespaceDir(namespace string) string {
	return path.Dir(appbur.TypeDir(appbur.GroupKind{Kind: "x"}, namespace))
}
