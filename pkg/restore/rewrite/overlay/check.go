package overlay

import (
	"bufio"
	"bytes"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/appbur/appbur"
)

// layer is one kustomization of an overlay.
type layer struct {
	file string
	types.Kustomization
}

// check follows the overlay from its root, and refuses what reaches outside.
func (o *Overlay) check() error {
	c := checker{overlay: o, seen: make(map[string]bool)}
	if err := c.directory("."); err != nil {
		return err
	}
	if !c.based {
		return &Error{File: o.layers[0].file, What: "no resources name " + BaseName + ", so nothing of the restore point would be left"}
	}
	return nil
}

type checker struct {
	overlay *Overlay
	seen    map[string]bool
	// based is true once a layer has the restore point as its base.
	based bool
}

// directory checks a layer and those that it consists of.
func (c *checker) directory(dir string) error {
	if c.seen[dir] {
		return nil // kustomize refuses cycles, and may take a component twice
	}
	c.seen[dir] = true
	l, err := c.read(dir)
	if err != nil {
		return err
	}
	c.overlay.layers = append(c.overlay.layers, l)
	if err := c.programs(l); err != nil {
		return err
	}
	if err := c.files(l); err != nil {
		return err
	}

	for _, entry := range slices.Concat(l.Resources, l.Bases, l.Components) {
		at, err := c.inside(l.file, entry)
		switch {
		case err != nil:
			return err
		case at == BaseName:
			c.based = true
		case c.overlay.files[at] != nil:
		case c.overlay.isDirectory(at):
			if err := c.directory(at); err != nil {
				return err
			}
		default:
			return c.refuse(l.file, entry, "there is no such file or directory in the overlay")
		}
	}
	return nil
}

// read finds the one kustomization of a directory, and reads it as kustomize does.
func (c *checker) read(dir string) (layer, error) {
	var l layer
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		file := path.Join(dir, name)
		if c.overlay.files[file] == nil {
			continue
		}
		if l.file != "" {
			return l, refuse(file, "the directory has %s as well: kustomize takes one", path.Base(l.file))
		}
		l.file = file
	}
	if l.file == "" {
		return l, refuse(dir, "there is no kustomization.yaml in the directory")
	}

	err := appbur.Guard(func() error { return l.Unmarshal(c.overlay.files[l.file]) })
	if err != nil {
		return l, refuse(l.file, "%v", err)
	}
	return l, nil
}

// programs refuses what would run something.
func (c *checker) programs(l layer) error {
	for _, field := range []struct {
		name string
		used bool
	}{
		{"generators", len(l.Generators) > 0},
		{"transformers", len(l.Transformers) > 0},
		{"validators", len(l.Validators) > 0},
		{"helmCharts", len(l.HelmCharts) > 0},
		{"helmGlobals", l.HelmGlobals != nil},
		{"helmChartInflationGenerator", len(l.HelmChartInflationGenerator) > 0},
	} {
		if field.used {
			return c.refuse(l.file, field.name+":", "an overlay of a restore runs no plugins, programs and charts")
		}
	}
	return nil
}

// files checks every field of a kustomization that names a file, other than resources.
func (c *checker) files(l layer) error {
	var entries []string
	add := func(entry string) {
		if entry != "" {
			entries = append(entries, entry)
		}
	}
	entries = append(entries, l.Crds...)
	entries = append(entries, l.Configurations...)
	for _, patch := range slices.Concat(l.Patches, l.PatchesJson6902) {
		add(patch.Path)
	}
	for _, patch := range l.PatchesStrategicMerge {
		if text := string(patch); !strings.Contains(text, "\n") { // with it, it is the patch itself
			add(text)
		}
	}
	for _, replacement := range l.Replacements {
		add(replacement.Path)
	}
	for key, value := range l.OpenAPI {
		if key == "path" {
			add(value)
		}
	}

	for _, sources := range generated(l) {
		for _, source := range sources.FileSources {
			if _, named, ok := strings.Cut(source, "="); ok {
				source = named
			}
			add(source)
		}
		for _, source := range append(slices.Clone(sources.EnvSources), sources.EnvSource) {
			add(source)
			if err := c.variables(l.file, source); err != nil {
				return err
			}
		}
	}

	for _, entry := range entries {
		at, err := c.inside(l.file, entry)
		if err != nil {
			return err
		}
		if c.overlay.files[at] == nil {
			return c.refuse(l.file, entry, "there is no such file in the overlay")
		}
	}
	return nil
}

func generated(l layer) (all []types.KvPairSources) {
	for _, g := range l.ConfigMapGenerator {
		all = append(all, g.KvPairSources)
	}
	for _, g := range l.SecretGenerator {
		all = append(all, g.KvPairSources)
	}
	return all
}

// variables refuses a name without a value in a file of variables: kustomize would take the
// value from the environment of this process.
func (c *checker) variables(file, entry string) error {
	if entry == "" {
		return nil
	}
	at := path.Join(path.Dir(file), entry)
	lines := bufio.NewScanner(bytes.NewReader(c.overlay.files[at]))
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if line != "" && !strings.HasPrefix(line, "#") && !strings.Contains(line, "=") {
			return &Error{File: at, Line: number, What: "the variable has no value, and the environment is not read"}
		}
	}
	return lines.Err()
}

// inside returns where an entry of a kustomization leads to, if that is within the overlay.
func (c *checker) inside(file, entry string) (string, error) {
	lower := strings.ToLower(entry)
	switch {
	case strings.ContainsAny(entry, ":@?") || strings.Contains(lower, "github.com"):
		return "", c.refuse(file, entry, "it is an address, or looks like one: an overlay is read from its directory alone")
	case path.IsAbs(entry):
		return "", c.refuse(file, entry, "it is outside of the overlay")
	}
	at := path.Join(path.Dir(file), entry)
	if at == ".." || strings.HasPrefix(at, "../") {
		return "", c.refuse(file, entry, "it is outside of the overlay")
	}
	return at, nil
}

func (c *checker) refuse(file, entry, why string) error {
	shown, _, cut := strings.Cut(strings.TrimSuffix(entry, ":"), "\n")
	if cut {
		shown += "…"
	}
	return &Error{File: file, Line: c.overlay.lineOf(file, entry), What: shown + ": " + why}
}
