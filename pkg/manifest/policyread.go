package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/appbur/appbur"
)

// policyReader reads the parts of a policy and collects what is wrong with them.
type policyReader struct {
	errs []error
	ids  map[string]int // lines by the ids of rules
}

func (r *policyReader) fail(node *yaml.Node, hint, format string, args ...any) {
	r.failLine(node.Line, hint, format, args...)
}

func (r *policyReader) failLine(line int, hint, format string, args ...any) {
	err := fmt.Errorf("%s: "+format, append([]any{sourceLine(line)}, args...)...)
	r.errs = append(r.errs, appbur.WithHint(err, hint))
}

// settings reads a map whose keys are known, each at most once.
func (r *policyReader) settings(node *yaml.Node, what string, known map[string]func(*yaml.Node)) {
	node = resolve(node)
	names := strings.Join(slices.Sorted(maps.Keys(known)), ", ")
	if node.Kind != yaml.MappingNode {
		r.fail(node, "its settings are "+names, "%s is no map", what)
		return
	}
	seen := make(map[string]int)

	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		read, ok := known[key.Value]
		switch {
		case !ok:
			r.fail(key, "the settings here are "+names, "%s has no setting %q", what, key.Value)
		case seen[key.Value] > 0:
			r.fail(key, "keep one of the two", "%s is set on line %d already", key.Value, seen[key.Value])
		default:
			seen[key.Value] = key.Line
			read(node.Content[i+1])
		}
	}
}

// list calls each for the elements of a list that must not be empty.
func (r *policyReader) list(node *yaml.Node, what string, each func(i int, element *yaml.Node)) {
	node = resolve(node)
	if node.Kind != yaml.SequenceNode || len(node.Content) == 0 {
		r.fail(node, "write a list with at least one element, or leave the setting out", "%s is no list, or an empty one", what)
		return
	}
	for i, element := range node.Content {
		each(i, resolve(element))
	}
}

func (r *policyReader) text(node *yaml.Node, what string) string {
	node = resolve(node)
	if node.Kind != yaml.ScalarNode || node.Tag != "!!str" || node.Value == "" {
		r.fail(node, "write a text, in quotes if need be", "%s is no text, or an empty one", what)
		return ""
	}
	return node.Value
}

func (r *policyReader) texts(node *yaml.Node, what string, check func(node *yaml.Node, text string)) []string {
	var texts []string
	r.list(node, what, func(_ int, element *yaml.Node) {
		if text := r.text(element, "an element of "+what); text != "" {
			check(element, text)
			texts = append(texts, text)
		}
	})
	return texts
}

// entry is what the entries of all sections have in common.
type entry struct {
	id, reason string
	selection  Selection
}

// entry reads one entry, whose settings of its own are in extra.
func (r *policyReader) entry(node *yaml.Node, section string, i int, extra map[string]func(*yaml.Node)) entry {
	e := entry{id: section + "-" + strconv.Itoa(i+1)}
	known := map[string]func(*yaml.Node){
		"id":         func(n *yaml.Node) { e.id = r.id(n) },
		"reason":     func(n *yaml.Node) { e.reason = r.text(n, "reason") },
		"kinds":      func(n *yaml.Node) { e.selection.Kinds = r.texts(n, "kinds", r.checkKind) },
		"namespaces": func(n *yaml.Node) { e.selection.Namespaces = r.texts(n, "namespaces", r.checkPattern) },
		"names":      func(n *yaml.Node) { e.selection.Names = r.texts(n, "names", r.checkPattern) },
		"labels":     func(n *yaml.Node) { e.selection.Labels = r.labels(n) },
	}
	maps.Copy(known, extra)
	r.settings(node, "an entry of "+section, known)
	e.id = userPrefix + e.id
	if line, taken := r.ids[e.id]; taken {
		r.fail(node, "give it another id", "the id %s is that of line %d", strings.TrimPrefix(e.id, userPrefix), line)
	}
	r.ids[e.id] = node.Line
	return e
}

func (r *policyReader) id(node *yaml.Node) string {
	id := r.text(node, "id")
	if strings.ContainsFunc(id, func(c rune) bool {
		return c != '-' && c != '.' && c != '_' && (c > unicode.MaxASCII || !unicode.IsLetter(c) && !unicode.IsDigit(c))
	}) {
		r.fail(node, "use letters, digits, dots, underscores and hyphens", "the id %q has other characters", id)
	}
	return id
}

func (r *policyReader) labels(node *yaml.Node) labels.Selector {
	text := r.text(node, "labels")
	selector, err := labels.Parse(text, field.WithPath(field.NewPath("labels")))
	if err != nil {
		r.fail(node, "write it as for kubectl -l, for example app=web,tier!=lab", "label selector %q: %w", text, err)
		return nil
	}
	return selector
}

func (r *policyReader) checkKind(node *yaml.Node, kind string) {
	if err := checkKinds([]string{kind}); err != nil {
		r.fail(node, "write Kind for the core group and Kind.group for all others, or a pattern such as *.cattle.io", "%w", err)
		return
	}
	if strings.ContainsAny(kind, "*?") {
		return
	}
	gk, err := appbur.ParseGroupKind(kind)
	switch {
	case err != nil: // "every kind" and the like, which are for rules of appbur itself
		r.fail(node, "write \"*\" for every kind", "%w", err)
	case !unicode.IsUpper([]rune(gk.Kind)[0]):
		r.fail(node, "write the kind as it is in a manifest, for example Deployment.apps", "%q is no kind", kind)
	case gk.Group == "" && !coreKinds[gk.Kind]:
		r.fail(node, "add the group, for example Deployment.apps", "the core group has no kind %s", kind)
	}
}

func (r *policyReader) checkPattern(node *yaml.Node, pattern string) {
	if strings.ContainsAny(pattern, "[]\\/ ") {
		r.fail(node, "only * and ? are special", "%q cannot match a name", pattern)
	}
}

// coreKinds are all kinds of the core group, which does not grow any more.
var coreKinds = map[string]bool{
	"Binding": true, "ComponentStatus": true, "ConfigMap": true, "Endpoints": true, "Event": true, "LimitRange": true, "Namespace": true,
	"Node": true, "PersistentVolume": true, "PersistentVolumeClaim": true, "Pod": true, "PodTemplate": true, "RangeAllocation": true,
	"ReplicationController": true, "ResourceQuota": true, "Secret": true, "Service": true, "ServiceAccount": true,
}

func (r *policyReader) selections(node *yaml.Node, section string) []policySelection {
	var selections []policySelection
	r.list(node, section, func(i int, element *yaml.Node) {
		before := len(r.errs)
		e := r.entry(element, section, i, nil)
		if len(r.errs) > before {
			return
		}
		if e.selection.String() == anything {
			r.fail(element, "name kinds, namespaces, names or labels", "an entry of %s selects everything", section)
			return
		}
		if e.reason == "" {
			e.reason = appbur.RepositoryFile + " excludes it"
		}
		selections = append(selections, policySelection{id: e.id, reason: e.reason, line: element.Line, selection: e.selection})
	})
	return selections
}

func (r *policyReader) fields(node *yaml.Node) []FieldRule {
	var rules []FieldRule
	r.list(node, "fields", func(i int, element *yaml.Node) {
		rule := FieldRule{Source: sourceLine(element.Line), line: element.Line}
		before := len(r.errs)
		e := r.entry(element, "fields", i, map[string]func(*yaml.Node){
			"path": func(n *yaml.Node) { rule.Path, rule.steps = r.path(n) },
			"effect": func(n *yaml.Node) {
				switch effect := r.text(n, "effect"); effect {
				case "index":
					rule.Index = true
				case "drop":
				default:
					r.fail(n, "drop is for noise, index for what may be wanted back", "effect %q is neither drop nor index", effect)
				}
			},
		})
		if len(r.errs) > before {
			return
		}
		has := settingsOf(element)
		for _, name := range []string{"kinds", "path", "effect", "reason"} {
			if !has[name] {
				r.fail(element, "a field rule has kinds, path, effect and reason", "the field rule has no %s", name)
			}
		}
		if len(r.errs) > before || !r.sparesIdentity(element, rule) {
			return
		}
		rule.ID, rule.Reason, rule.Kinds = e.id, e.reason, e.selection.Kinds
		if when := narrowed(e.selection); when != nil {
			rule.When = Within{when}
		}
		rules = append(rules, rule)
	})

	return rules
}

func (r *policyReader) sensitive(node *yaml.Node) []SecretRule {
	var rules []SecretRule
	r.list(node, "sensitive", func(i int, element *yaml.Node) {
		paths := []string{"*"}
		before := len(r.errs)
		e := r.entry(element, "sensitive", i, map[string]func(*yaml.Node){
			"paths": func(n *yaml.Node) {
				paths = nil
				r.list(n, "paths", func(_ int, each *yaml.Node) {
					if path, steps := r.path(each); len(steps) > 0 && r.leavesReadable(each, path, steps) {
						paths = append(paths, path)
					}
				})
			},
		})
		if len(r.errs) > before {
			return
		}
		if len(e.selection.Kinds) == 0 {
			r.fail(element, "name the kinds; \"*\" means all of them", "the sensitive entry has no kinds")
			return
		}
		if e.reason == "" {
			e.reason = appbur.RepositoryFile + " says that it is secret"
		}
		for k, path := range paths {
			id := e.id
			if len(paths) > 1 {
				id += "-" + strconv.Itoa(k+1)
			}
			rules = append(rules, SecretRule{
				ID: id, Kinds: e.selection.Kinds, Path: path, When: narrowed(e.selection), Reason: e.reason, Source: sourceLine(element.Line),
			})
		}
	})

	return rules
}

func (r *policyReader) path(node *yaml.Node) (string, []step) {
	text := r.text(node, "path")
	if text == "" {
		return "", nil
	}
	steps, err := parsePath(text)
	if err != nil {
		r.fail(node, `for example spec.ports[].nodePort, spec.env[name=TOKEN].value, data["*.key"]`, "%w", err)
	}
	return text, steps
}

// narrowed returns the selection but for its kinds as a condition, or nil if that
// holds for everything.
func narrowed(s Selection) Condition {
	s.Kinds = nil
	if s.String() == anything {
		return nil
	}
	return s
}

func settingsOf(node *yaml.Node) map[string]bool {
	has := make(map[string]bool)
	for i := 0; i+1 < len(node.Content); i += 2 {
		has[node.Content[i].Value] = true
	}
	return has
}

// resolve follows an alias to its node.
func resolve(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode && node.Alias != nil {
		return node.Alias
	}
	return node
}
