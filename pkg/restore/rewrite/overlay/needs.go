package overlay

import (
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	"github.com/appbur/appbur"
)

// needs says which objects kustomize has to see, and which together. It holds many times what it
// is given and compares all with all, so it gets no more than that, in parts where it can.
type needs struct {
	// all objects, or those that are selected.
	all      bool
	selected []selection
	// pinned objects are in every part: kustomize refuses a patch that finds nothing, and takes
	// values from them.
	pinned []selection
	// together is true when objects refer to one another by names that change.
	together bool
}

// selection is a group of objects as an overlay names them; nil patterns match everything.
type selection struct{ kind, name, namespace *regexp.Regexp }

func (s selection) has(id appbur.ObjectID) bool {
	is := func(pattern *regexp.Regexp, text string) bool { return pattern == nil || pattern.MatchString(text) }
	// What has no namespace is in one of several for kustomize, by what it knows of the kind.
	return is(s.kind, id.Kind) && is(s.name, id.Name) && (id.Namespace == "" || is(s.namespace, id.Namespace))
}

func (n needs) object(id appbur.ObjectID) bool {
	return n.all || slices.ContainsFunc(n.selected, func(s selection) bool { return s.has(id) })
}

func (n needs) pin(id appbur.ObjectID) bool {
	return slices.ContainsFunc(n.pinned, func(s selection) bool { return s.has(id) })
}

// needsOf reads what an overlay is about.
func needsOf(o *Overlay) needs {
	var n needs
	for _, l := range o.layers {
		k := l.Kustomization
		n.together = n.together || k.NamePrefix != "" || k.NameSuffix != "" || len(k.Vars) > 0 || len(k.Crds) > 0 ||
			len(k.ConfigMapGenerator) > 0 || len(k.SecretGenerator) > 0 || len(k.Configurations) > 0
		n.all = n.all || n.together || k.Namespace != "" || len(k.CommonLabels) > 0 || len(k.Labels) > 0 || len(k.CommonAnnotations) > 0 ||
			len(k.Images) > 0 || len(k.ImageTags) > 0 || len(k.OpenAPI) > 0 || len(k.BuildMetadata) > 0

		for _, patch := range slices.Concat(k.Patches, k.PatchesJson6902) {
			n.patch(o, l, patch)
		}
		for _, patch := range k.PatchesStrategicMerge {
			if text := string(patch); strings.Contains(text, "\n") {
				n.manifests([]byte(text))
			} else {
				n.manifests(o.files[inDirOf(l.file, text)])
			}
		}
		for _, replica := range k.Replicas {
			n.pinned = append(n.pinned, selection{name: exactly(replica.Name)})
		}
		for _, replacement := range k.Replacements {
			n.replacement(o, l, replacement)
		}
	}

	n.selected = append(n.selected, n.pinned...)
	return n
}

func (n *needs) patch(o *Overlay, l layer, patch types.Patch) {
	if patch.Options != nil { // it may give another name or kind
		n.together, n.all = true, true
	}
	switch {
	case patch.Target != nil:
		n.selector(patch.Target.Kind, patch.Target.Name, patch.Target.Namespace)
	case patch.Path != "":
		n.manifests(o.files[inDirOf(l.file, patch.Path)])
	default:
		n.manifests([]byte(patch.Patch))
	}
}

func (n *needs) replacement(o *Overlay, l layer, field types.ReplacementField) {
	replacements := []types.Replacement{field.Replacement}
	if field.Path != "" {
		data := o.files[inDirOf(l.file, field.Path)]
		if yaml.Unmarshal(data, &replacements) != nil {
			var one types.Replacement
			if yaml.Unmarshal(data, &one) != nil {
				return // kustomize will say what is wrong
			}
			replacements = []types.Replacement{one}
		}
	}

	for _, r := range replacements {
		if r.Source != nil {
			n.pinned = append(n.pinned, selection{exactly(r.Source.Kind), exactly(r.Source.Name), exactly(r.Source.Namespace)})
		}
		for _, target := range r.Targets {
			if target != nil && target.Select != nil {
				n.selector(target.Select.Kind, target.Select.Name, target.Select.Namespace)
			}
		}
	}
}

// selector adds what a selector can mean. Labels and annotations may be those that the overlay
// sets, so they narrow nothing down.
func (n *needs) selector(kind, name, namespace string) {
	n.selected = append(n.selected, selection{pattern(kind), pattern(name), pattern(namespace)})
}

// pattern is a text of a selector: a regular expression for all of a name.
func pattern(text string) *regexp.Regexp {
	if text == "" {
		return nil
	}
	p, err := regexp.Compile("^(?:" + text + ")$")
	if err != nil {
		return nil // kustomize will say so
	}
	return p
}

func exactly(text string) *regexp.Regexp { return pattern(regexp.QuoteMeta(text)) }

// manifests adds the objects of patches that look like what they change.
func (n *needs) manifests(data []byte) {
	for _, document := range strings.Split("\n"+string(data), "\n---") {
		if strings.TrimSpace(document) == "" {
			continue
		}
		var head struct {
			Kind     string `json:"kind"`
			Metadata struct {
				Name string `json:"name"`
			} `json:"metadata"`
		}
		if yaml.Unmarshal([]byte(document), &head) != nil || head.Kind == "" || head.Metadata.Name == "" {
			n.together, n.all = true, true
			return
		}
		n.pinned = append(n.pinned, selection{kind: exactly(head.Kind), name: exactly(head.Metadata.Name)})
	}
}
