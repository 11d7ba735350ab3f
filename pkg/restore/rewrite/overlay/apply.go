package overlay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/restore"
)

// rule is the rule of all changes by an overlay.
const rule = "overlay"

// mark is an annotation that an object has while kustomize works on it, so that it is known again
// under another name. It is never in a result.
const mark = "appbur.internal/overlay-object"

// root is where the overlay is in the file system that kustomize sees.
const root = "/overlay"

func inDirOf(file, entry string) string { return path.Join(path.Dir(file), entry) }

// partSize is how many objects kustomize gets at once, if it can have them in parts.
const partSize = 200

// Apply returns the point as the overlay makes it. An error is an [Error].
func (o *Overlay) Apply(p restore.Point) (restore.Point, error) {
	a := application{point: p, given: make(map[int]bool), back: make(map[int]restore.Object)}
	for _, part := range a.parts(needsOf(o)) {
		if err := a.part(o, part); err != nil {
			return restore.Point{}, err
		}
	}
	return a.result()
}

// parts divides the objects that are needed.
func (a *application) parts(n needs) [][]int {
	var pinned, others []int
	for i, id := range a.point.Objects.IDs() {
		if !n.object(id) {
			continue
		}
		o := a.point.Objects.At(i)
		if name, meant := SpeaksToKustomize(o.Content); meant {
			a.note(o.ID, "the overlay does not see it: its annotation %s means something to kustomize", name)
			continue
		}

		a.given[i] = true
		if n.pin(o.ID) {
			pinned = append(pinned, i)
		} else {
			others = append(others, i)
		}
	}
	if n.together || len(others) == 0 {
		return [][]int{append(pinned, others...)}
	}

	var parts [][]int
	for part := range slices.Chunk(others, partSize) {
		parts = append(parts, slices.Concat(pinned, part))
	}
	return parts
}

// part lets kustomize work on some of the objects.
func (a *application) part(o *Overlay, part []int) error {
	system := filesys.MakeFsInMemory()
	for name, data := range o.files {
		if err := system.WriteFile(path.Join(root, name), data); err != nil {
			return fmt.Errorf("the overlay: %w", err)
		}
	}
	files, err := a.base(part)
	if err != nil {
		return err
	}
	for name, data := range files {
		if err := system.WriteFile(path.Join(root, BaseName, name), data); err != nil {
			return fmt.Errorf("the overlay: %w", err)
		}
	}

	made, err := build(system)
	if err != nil {
		return &Error{What: "kustomize: " + a.withoutSecrets(strings.ReplaceAll(err.Error(), root+"/", ""))}
	}
	return a.take(made)
}

// build runs kustomize. It panics on some input that it does not expect.
func build(system filesys.FileSystem) (made resmap.ResMap, err error) {
	err = appbur.Guard(func() error {
		made, err = krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(system, root)
		return err
	})
	return made, err
}

// application is an overlay at work on one point.
type application struct {
	point restore.Point
	// given are the objects that kustomize gets, by their place in the point, and back what it
	// made of them.
	given map[int]bool
	back  map[int]restore.Object
	// added are the objects of the overlay itself, which every part makes.
	added []restore.Object
	notes []restore.Note
}

// base writes some objects as a base.
func (a *application) base(part []int) (map[string][]byte, error) {
	if len(part) == 0 {
		return map[string][]byte{"kustomization.yaml": []byte("metadata: {name: nothing}\nresources: []\n")}, nil
	}
	var objects bytes.Buffer
	for _, i := range part {
		o := a.point.Objects.At(i)
		data, err := json.Marshal(marked(o.Content, strconv.Itoa(i)))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.ID, err)
		}
		objects.WriteString("---\n")
		objects.Write(data)
		objects.WriteByte('\n')
	}
	return map[string][]byte{"kustomization.yaml": []byte("resources: [objects.yaml]\n"), "objects.yaml": objects.Bytes()}, nil
}

// SpeaksToKustomize finds an annotation by which an object would speak to kustomize, which drops
// some objects for them.
func SpeaksToKustomize(content map[string]any) (string, bool) {
	metadata, _ := content["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(annotations)) {
		if strings.HasPrefix(name, "config.kubernetes.io/") || strings.HasPrefix(name, "internal.config.kubernetes.io/") ||
			strings.HasPrefix(name, "kustomize.config.k8s.io/") {
			return name, true
		}
	}
	return "", false
}

func marked(content map[string]any, value string) map[string]any {
	metadata, _ := content["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	out, inner, marks := maps.Clone(content), maps.Clone(metadata), maps.Clone(annotations)
	if inner == nil {
		inner = make(map[string]any)
	}
	if marks == nil {
		marks = make(map[string]any)
	}
	marks[mark], inner["annotations"], out["metadata"] = value, marks, inner
	return out
}

// unmark takes the mark out, and returns its value.
func unmark(content map[string]any) string {
	metadata, _ := content["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	value, _ := annotations[mark].(string)
	delete(annotations, mark)
	if len(annotations) == 0 {
		delete(metadata, "annotations")
	}
	return value
}

// take reads what kustomize made of one part. What several parts have is the same in all.
func (a *application) take(made resmap.ResMap) error {
	for _, resource := range made.Resources() {
		text, err := resource.RNode.String()
		if err != nil {
			return &Error{What: fmt.Sprintf("kustomize made %s that cannot be written: %v", resource.CurId(), err)}
		}
		o, from, err := a.object(text)
		switch {
		case err != nil:
			return err
		case from >= 0:
			a.back[from] = o
		case !slices.ContainsFunc(a.added, func(other restore.Object) bool { return other.ID == o.ID }):
			a.added = append(a.added, o)
		}
	}
	return nil
}

// result puts the point together again.
func (a *application) result() (restore.Point, error) {
	p := a.point
	p.Objects, p.Index = restore.Objects{}, make(map[appbur.ObjectID]manifest.Entry, len(a.point.Index))
	for i, o := range a.point.Objects.All() {
		after, there := a.back[i]
		switch {
		case !a.given[i]:
			after = o
		case !there:
			a.note(o.ID, "the overlay removes it: it is not restored")
			continue
		}
		p.Objects.Add(after)
		if entry, ok := a.point.Index[o.ID]; ok {
			p.Index[after.ID] = entry
		}
	}

	for _, o := range a.added {
		p.Objects.Add(o)
	}
	p.Notes = slices.Concat(a.point.Notes, a.notes)
	return p, twice(p)
}

// object reads an object that kustomize made, and finds the one that it was, -1 for a new one.
func (a *application) object(text string) (restore.Object, int, error) {
	content, err := manifest.Decode([]byte(text))
	if err != nil {
		return restore.Object{}, 0, &Error{What: "kustomize made an object that cannot be read: " + a.withoutSecrets(err.Error())}
	}
	from := -1
	if value := unmark(content); value != "" {
		if from, err = strconv.Atoi(value); err != nil || !a.given[from] {
			return restore.Object{}, 0, &Error{What: "the overlay sets the annotation " + mark + ", which is not its own"}
		}
	}

	id, err := manifest.IDOf(content)
	if err != nil {
		return restore.Object{}, 0, &Error{What: "the overlay makes an object that is none: " + a.withoutSecrets(err.Error())}
	}
	if from < 0 { // a patch of all annotations takes the mark away
		from = a.point.Objects.Index(id)
	}
	apiVersion, _ := content["apiVersion"].(string)
	o := restore.Object{ID: id, APIVersion: apiVersion, Content: content}
	if from < 0 || !a.given[from] {
		o.Rewritten = []compat.Change{{Rule: rule, Path: "metadata.name", What: "the overlay adds the object"}}
		return o, -1, nil
	}
	return a.compared(a.point.Objects.At(from), o), from, nil
}

// compared returns an object with what the overlay changed in it, or as it was.
func (a *application) compared(before, after restore.Object) restore.Object {
	if before.ID.Namespace == "" && after.ID.Namespace != "" {
		// A transformer for namespaces does not know which custom kinds have none.
		metadata, _ := after.Content["metadata"].(map[string]any)
		delete(metadata, "namespace")
		after.ID.Namespace = ""
		a.note(after.ID, "the overlay puts it into a namespace, which its kind does not have; it stays outside")
	}
	if reflect.DeepEqual(before.Content, after.Content) {
		return before
	}
	changed := before
	changed.ID, changed.APIVersion, changed.Content = after.ID, after.APIVersion, after.Content
	changed.Rewritten = slices.Concat(before.Rewritten, changes(before.Content, after.Content))
	return changed
}

func (a *application) note(id appbur.ObjectID, format string, args ...any) {
	a.notes = append(a.notes, restore.Note{Kind: restore.NoteChange, Object: id, What: fmt.Sprintf(format, args...)})
}

// twice refuses a point that has two objects of one id.
func twice(p restore.Point) error {
	seen := make(map[appbur.ObjectID]bool, p.Objects.Len())
	for _, id := range p.Objects.IDs() {
		if seen[id] {
			return &Error{What: fmt.Sprintf("it makes %s, which the restore point has already", id)}
		}
		seen[id] = true
	}
	return nil
}
