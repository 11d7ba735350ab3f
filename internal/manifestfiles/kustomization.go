package manifestfiles

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
)

const renderFirst = "build it where that may be fetched (kustomize build DIR), and judge what comes out"

// kustomizationIn is the file that makes a directory a kustomization, or empty.
func kustomizationIn(dir string) string {
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		if exists(filepath.Join(dir, name)) {
			return filepath.Join(dir, name)
		}
	}
	return ""
}

// kustomizedParts are what kustomizations are made of: it is read through them.
type kustomizedParts struct {
	bases map[string]bool
	files map[string]bool
}

// kustomized reads what the kustomizations consist of, and refuses those that would fetch something.
func (r *Reader) kustomized(dirs []string) (kustomizedParts, error) {
	parts := kustomizedParts{map[string]bool{}, map[string]bool{}}
	for _, dir := range dirs {
		file := kustomizationIn(dir)
		data, err := os.ReadFile(file)
		if err != nil {
			return parts, fmt.Errorf("reading manifests: %w", err)
		}
		var content map[string]any
		if err := yaml.Unmarshal(data, &content); err != nil {
			r.fault(unreadable(filepath.ToSlash(file), document{text: data, line: 1}, err))
			continue
		}
		if content["kind"] == "Component" {
			parts.bases[dir] = true // nothing by itself
		}

		for _, field := range []string{"resources", "bases", "components", "crds"} {
			entries, _ := content[field].([]any)
			for _, entry := range entries {
				name, ok := entry.(string)
				if !ok || strings.Contains(name, "\n") {
					continue
				}
				path := filepath.Join(dir, filepath.FromSlash(name))
				parts.bases[path], parts.files[path] = true, true
				if !exists(path) {
					r.fault(&Error{
						File: filepath.ToSlash(file), Line: lineOf(data, name),
						What: fmt.Sprintf("%s: there is no such file or directory, and nothing is fetched", name), Hint: renderFirst,
					})
				}
			}
		}
		if address := addressIn(content); address != "" {
			r.fault(&Error{File: filepath.ToSlash(file), Line: lineOf(data, address), What: address + ": nothing is fetched", Hint: renderFirst})
		}
	}
	return parts, nil
}

// addressIn finds a place on the network where a kustomization names files.
func addressIn(value any) string {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range []string{
			"path", "files", "env", "envs", "configurations", "transformers", "generators", "validators", "patchesStrategicMerge",
		} {
			if text := textWith(v[key], "://"); text != "" {
				return text
			}
		}
		for _, key := range []string{"patches", "patchesJson6902", "replacements", "configMapGenerator", "secretGenerator", "openapi"} {
			if text := addressIn(v[key]); text != "" {
				return text
			}
		}
	case []any:
		for _, item := range v {
			if text := addressIn(item); text != "" {
				return text
			}
		}
	}
	return ""
}

func textWith(value any, part string) string {
	switch v := value.(type) {
	case string:
		if strings.Contains(v, part) && !strings.Contains(v, "\n") {
			return v
		}
	case []any:
		for _, item := range v {
			if text := textWith(item, part); text != "" {
				return text
			}
		}
	}
	return ""
}

// lineOf is the first line with a text, or 0.
func lineOf(data []byte, text string) int {
	before, _, found := strings.Cut(string(data), text)
	if !found {
		return 0
	}
	return strings.Count(before, "\n") + 1
}

// originsOnDisk is the file system, in which one kustomization asks for the origin of each object.
type originsOnDisk struct {
	filesys.FileSystem
	root string
}

// ReadFile implements [filesys.FileSystem].
func (o originsOnDisk) ReadFile(path string) ([]byte, error) {
	data, err := o.FileSystem.ReadFile(path)
	if err != nil || path != o.root {
		return data, err
	}
	var content map[string]any
	if err := yaml.Unmarshal(data, &content); err != nil || content == nil {
		return data, nil // kustomize says what is wrong with it
	}
	metadata, _ := content["buildMetadata"].([]any)
	if !slices.Contains(metadata, any("originAnnotations")) {
		content["buildMetadata"] = append(metadata, "originAnnotations")
	}
	return yaml.Marshal(content)
}

// build lets kustomize build a directory, and takes what comes out.
func (r *Reader) build(dir string) error {
	file := kustomizationIn(dir)
	absolute, err := filepath.Abs(file)
	if err != nil {
		return fmt.Errorf("reading manifests: %w", err)
	}
	if absolute, err = filepath.EvalSymlinks(absolute); err != nil {
		return fmt.Errorf("reading manifests: %w", err)
	}
	if len(r.faults) > 0 {
		return nil // it would fetch what was refused
	}

	var made resmap.ResMap
	err = appbur.Guard(func() error { // it panics on some input that it does not expect
		made, err = krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(
			originsOnDisk{filesys.MakeFsOnDisk(), absolute}, filepath.Dir(absolute))
		return err
	})
	if err != nil {
		r.fault(&Error{
			File: filepath.ToSlash(file), What: "kustomize: " + strings.ReplaceAll(err.Error(), filepath.Dir(absolute)+"/", ""),
			Hint: "try `kustomize build " + filepath.ToSlash(dir) + "`",
		})
		return nil
	}

	r.count(func(f *Found) { f.Files++ })
	for _, each := range made.Resources() {
		if err := r.built(dir, file, each); err != nil {
			return err
		}
	}
	return nil
}

const originAnnotation = "config.kubernetes.io/origin"

// built takes an object that kustomize made. It is where the file says that kustomize began with.
func (r *Reader) built(dir, kustomization string, each *resource.Resource) error {
	content, err := each.Map()
	if err != nil {
		return fmt.Errorf("%s: %w", kustomization, err)
	}
	o := Object{Content: content, File: filepath.ToSlash(kustomization), Line: 1}
	if origin, err := each.GetOrigin(); err == nil && origin != nil && cmp.Or(origin.Path, origin.ConfiguredIn) != "" {
		path := filepath.Join(dir, filepath.FromSlash(cmp.Or(origin.Path, origin.ConfiguredIn)))
		o.File = filepath.ToSlash(path)
		o.Line = r.lineIn(path, each.GetKind(), each.GetName())
	}
	dropAnnotation(content, originAnnotation)

	gvk, ok := compat.GVKOf(content)
	if !ok {
		r.count(func(f *Found) { f.Others++ })
		return nil
	}
	o.ID = idOf(gvk, content)
	r.take(o)
	return nil
}

func dropAnnotation(content map[string]any, name string) {
	metadata, _ := content["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	delete(annotations, name)
	if len(annotations) == 0 {
		delete(metadata, "annotations")
	}
}

// place is where a file has an object.
type place struct {
	kind, name string
	line       int
}

// lineIn is where a file has an object, as far as it can be told.
func (r *Reader) lineIn(path, kind, name string) int {
	places, known := r.lines[path]
	if !known {
		places = placesIn(path)
		if r.lines == nil {
			r.lines = map[string][]place{}
		}
		r.lines[path] = places
	}
	// Prefixes and suffixes have been added to the name, so the longest that is in it is meant.
	line, longest := 1, 0
	for _, p := range places {
		if p.kind == kind && len(p.name) > longest && strings.Contains(name, p.name) {
			line, longest = p.line, len(p.name)
		}
	}
	return line
}

func placesIn(path string) (places []place) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	inner := Reader{Take: func(o Object) { places = append(places, place{o.ID.Kind, o.ID.Name, o.Line}) }}
	_ = split(strings.NewReader(string(data)), func(d document) error { // a string cannot fail
		inner.document(path, d)
		return nil
	})
	return places
}
