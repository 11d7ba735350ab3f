package rendered

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/restore"
	"github.com/appbur/appbur/pkg/restore/rewrite/overlay"
)

// File is one file of the directory.
type File struct {
	appbur.File
	// Private files hold secret values in clear.
	Private bool
}

// About is what the files say of where they come from.
type About struct {
	Point  appbur.RestorePointID
	Target appbur.KubeVersion
	// Recipients are the age public keys that Secrets are encrypted to; none if they are in clear.
	Recipients []string
}

// Seal returns the file of an object with secrets; path is where it is going to be.
type Seal func(path string, o restore.PlainObject, plain []byte) ([]byte, error)

// PhaseFiles is one phase with the number of its objects.
type PhaseFiles struct {
	Directory string `json:"directory"`
	Objects   int    `json:"objects"`
	Why       string `json:"why"`
}

// Set is all that a directory is going to hold.
type Set struct {
	Files  []File
	Phases []PhaseFiles
	// Sealed and InClear count the objects with secret values.
	Sealed, InClear int
	// Apart are the objects that are in no kustomization, because kustomize or server-side apply
	// would not do what is wanted with them.
	Apart []Apart
}

// Apart is an object in a file that no kustomization names.
type Apart struct {
	Object appbur.ObjectID `json:"object"`
	Path   string          `json:"path"`
	Why    string          `json:"why"`
	// ServerSide says that it can be applied server-side.
	ServerSide bool `json:"serverSide"`
}

// apartOf says why an object is in no kustomization.
func apartOf(o restore.PlainObject, name string) (Apart, bool) {
	if o.Unappliable != "" {
		return Apart{o.Object, name, o.Unappliable, false}, true
	}
	annotation, speaks := overlay.SpeaksToKustomize(o.Content)
	return Apart{o.Object, name, "kustomize takes its annotation " + annotation + " for an order", true}, speaks
}

// ErrNothing is the error of rendering nothing that kustomize could apply.
var ErrNothing = errors.New("nothing is left to render")

const kustomization = "kustomization.yaml"

// NewSet makes the files. Objects are in the order in which they are to be applied. Without
// seal, Secrets are in clear.
func NewSet(objects []restore.PlainObject, about About, seal Seal) (Set, error) {
	var set Set
	var roots []any
	for len(objects) > 0 {
		phase := objects[0].Phase
		n := slices.IndexFunc(objects, func(o restore.PlainObject) bool { return o.Phase != phase })
		if n < 0 {
			n = len(objects)
		}

		dir := fmt.Sprintf("%02d-%s", phase.Number, phase.Name)
		if err := set.addPhase(dir, phase, objects[:n], seal); err != nil {
			return Set{}, err
		}
		if set.has(path.Join(dir, kustomization)) {
			roots = append(roots, dir)
		}
		objects = objects[n:]
	}
	if len(roots) == 0 {
		return Set{}, ErrNothing
	}

	if err := set.addKustomization("", origin(about)+"All phases in their order.", roots); err != nil {
		return Set{}, err
	}
	set.addText("README.md", readme(about, set))
	if set.Sealed > 0 {
		set.addText(".sops.yaml", sopsRules(about))
	}
	slices.SortFunc(set.Files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return set, nil
}

func (s *Set) addPhase(dir string, phase restore.Phase, objects []restore.PlainObject, seal Seal) error {
	taken := make(map[string]bool)
	var names []any
	for _, o := range objects {
		name := o.Object.Path()
		if taken[name] {
			name = o.Object.RivalPath() // of a kind that differs only in case
		}
		taken[name] = true
		if err := s.addObject(path.Join(dir, name), o, seal); err != nil {
			return fmt.Errorf("%s: %w", o.Object, err)
		}
		if apart, ok := apartOf(o, path.Join(dir, name)); ok {
			s.Apart = append(s.Apart, apart)
			continue
		}
		names = append(names, name)
	}

	s.Phases = append(s.Phases, PhaseFiles{dir, len(objects), phase.Why})
	if len(names) == 0 {
		return nil // kustomize refuses an empty one
	}
	return s.addKustomization(dir, "Phase "+dir+": "+phase.Why+".", names)
}

func (s *Set) addObject(name string, o restore.PlainObject, seal Seal) error {
	data, err := manifest.Encode(o.Content)
	if err != nil {
		return err
	}
	secret := len(o.Secrets) > 0
	switch {
	case secret && seal != nil:
		s.Sealed++
		if data, err = seal(name, o, data); err != nil {
			return err
		}
	case secret:
		s.InClear++
	}
	s.Files = append(s.Files, File{appbur.File{Path: name, Data: data}, secret && seal == nil})
	return nil
}

// addKustomization adds a kustomization that keeps the order of its resources.
func (s *Set) addKustomization(dir, comment string, resources []any) error {
	data, err := manifest.Encode(map[string]any{
		"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
		"resources": resources, "sortOptions": map[string]any{"order": "fifo"},
	})
	if err != nil {
		return err
	}
	s.addText(path.Join(dir, kustomization), commented(comment)+string(data))
	return nil
}

func (s *Set) has(name string) bool {
	return slices.ContainsFunc(s.Files, func(f File) bool { return f.Path == name })
}

func (s *Set) addText(name, text string) {
	s.Files = append(s.Files, File{File: appbur.File{Path: name, Data: []byte(text)}})
}

func commented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("# " + strings.TrimSuffix(line, "\n") + "\n")
	}
	return b.String()
}
