package deploy

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// Manifests are the files.
//
//go:embed kustomization.yaml base components metrics
var Manifests embed.FS

// Where kustomize finds the files, and the overlay that somebody would write.
const (
	root    = "/deploy"
	overlay = "/overlay"
)

// Build renders the base with components, which are directories of [Manifests].
func Build(components ...string) ([]map[string]any, error) {
	text := "resources: [.." + root + "/base]\n"
	for i, component := range components {
		if i == 0 {
			text += "components:\n"
		}
		text += "- .." + root + "/" + component + "\n"
	}
	return Overlay(text, nil)
}

// BuildDefault renders what `kubectl apply -k` of the directory applies.
func BuildDefault() ([]map[string]any, error) { return build(filesys.MakeFsInMemory(), root) }

// Overlay renders a kustomization of somebody whose copy of the files is at ../deploy, with files that it names.
func Overlay(kustomization string, more map[string]string) ([]map[string]any, error) {
	files := filesys.MakeFsInMemory()
	if err := files.WriteFile(overlay+"/kustomization.yaml", []byte(kustomization)); err != nil {
		return nil, err
	}
	for name, text := range more {
		if err := files.WriteFile(overlay+"/"+name, []byte(text)); err != nil {
			return nil, err
		}
	}
	return build(files, overlay)
}

func build(files filesys.FileSystem, directory string) ([]map[string]any, error) {
	err := fs.WalkDir(Manifests, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := Manifests.ReadFile(path)
		if err != nil {
			return err
		}
		return files.WriteFile(root+"/"+path, data)
	})
	if err != nil {
		return nil, fmt.Errorf("the files of the installation: %w", err)
	}

	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, directory)
	if err != nil {
		return nil, fmt.Errorf("building %s: %w", strings.TrimPrefix(directory, "/"), err)
	}
	objects := make([]map[string]any, 0, built.Size())
	for _, resource := range built.Resources() {
		object, err := resource.Map()
		if err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
	return objects, nil
}
