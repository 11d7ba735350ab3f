package manifestfiles

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/yaml"
)

// directory reads everything below a directory.
func (r *Reader) directory(ctx context.Context, root string) error {
	plain, kustomizations, err := r.survey(ctx, root)
	if err != nil {
		return err
	}
	parts, err := r.kustomized(kustomizations)
	if err != nil {
		return err
	}
	for _, dir := range kustomizations {
		if parts.bases[dir] {
			continue
		}
		if err := r.build(dir); err != nil {
			return err
		}
	}

	for _, file := range plain {
		if parts.files[file] || belowAny(file, kustomizations) {
			continue
		}
		if err := r.file(ctx, file); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// survey finds the files and the kustomizations. A chart is noted, and of its files only the definitions are taken.
func (r *Reader) survey(ctx context.Context, root string) (plain, kustomizations []string, err error) {
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case entry.IsDir() && path != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "node_modules"):
			return filepath.SkipDir
		case entry.IsDir() && exists(filepath.Join(path, "Chart.yaml")):
			r.chart(path)
			definitions, err := filesIn(filepath.Join(path, "crds"))
			plain = append(plain, definitions...)
			if err != nil {
				return err
			}
			return filepath.SkipDir
		case entry.IsDir() && kustomizationIn(path) != "":
			kustomizations = append(kustomizations, path)
		case entry.Type().IsRegular() && hasManifests(entry.Name()) && !slices.Contains(konfig.RecognizedKustomizationFileNames(), entry.Name()):
			plain = append(plain, path)
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("reading manifests: %w", err)
	}
	return plain, kustomizations, nil
}

func filesIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil, nil
	}
	var files []string
	for _, entry := range entries {
		if entry.Type().IsRegular() && hasManifests(entry.Name()) {
			files = append(files, filepath.Join(dir, entry.Name()))
		}
	}
	return files, err
}

func hasManifests(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// belowAny reports whether a file lies in one of the directories, however deep: what a kustomization does not name is not
// applied with it.
func belowAny(file string, dirs []string) bool {
	for dir := filepath.Dir(file); ; dir = filepath.Dir(dir) {
		if slices.Contains(dirs, dir) {
			return true
		}
		if dir == filepath.Dir(dir) {
			return false
		}
	}
}

func (r *Reader) chart(dir string) {
	var chart struct {
		Name string `json:"name"`
	}
	data, err := os.ReadFile(filepath.Join(dir, "Chart.yaml"))
	if err == nil {
		_ = yaml.Unmarshal(data, &chart) // its directory names it as well
	}
	if chart.Name == "" {
		chart.Name = filepath.Base(dir)
	}
	if exists(filepath.Join(dir, "templates")) {
		r.count(func(f *Found) { f.Charts = append(f.Charts, Chart{Name: chart.Name, Path: filepath.ToSlash(dir)}) })
	}
}
