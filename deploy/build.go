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
	return Overlay(text)
}

// BuildDefault renders what `kubectl apply -k` of the directory applies.
func BuildDefault() ([]map[string]any, error) { return build(root, "") }

// Overlay renders a kustomization of somebody whose copy of the files is at ../deploy.
func Overlay(kustomization string) ([]map[string]any, error) { return build(overlay, kustomization) }

func build(directory, kustomization string) ([]map[string]any, error) {
	files := filesys.MakeFsInMemory()
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
	if err == nil {
		err = files.WriteFile(overlay+"/kustomization.yaml", []byte(kustomization))
	}
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
