package binaries

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/appbur/appbur"
)

// Places are directories that may hold control planes, the preferred ones first.
type Places []string

// Found is a control plane that can be started.
type Found struct {
	Version  appbur.KubeVersion
	Dir      string
	Binaries Binaries
}

// NotFoundError says that no place has the wanted version.
type NotFoundError struct {
	Wanted Wanted
	Places Places
	// Have are the versions that the places have.
	Have []appbur.KubeVersion
	// Unusable says what looked like a control plane and cannot be used.
	Unusable []string
}

// Error names the version, where it was looked for, and what is there.
func (e *NotFoundError) Error() string {
	text := fmt.Sprintf("no servers of Kubernetes %s in %s", e.Wanted, strings.Join(e.Places, ", "))
	if len(e.Places) == 0 {
		text = fmt.Sprintf("no servers of Kubernetes %s: there is no directory to look in", e.Wanted)
	}
	var have []string
	for _, v := range e.Have {
		have = append(have, v.String())
	}
	if len(have) > 0 {
		text += "; there are " + strings.Join(have, ", ")
	}
	if len(e.Unusable) > 0 {
		text += "; cannot be used: " + strings.Join(e.Unusable, "; ")
	}
	return text
}

// Find returns the programs of a version, or a [*NotFoundError].
func (p Places) Find(ctx context.Context, wanted Wanted) (Found, error) {
	missing := &NotFoundError{Wanted: wanted, Places: p}
	var fit []Found
	for _, place := range p {
		dirs, err := controlPlanes(place)
		if err != nil {
			return Found{}, fmt.Errorf("look for servers of Kubernetes %s: %w", wanted, err)
		}

		for _, dir := range dirs {
			named, ok := namedVersion(dir)
			if ok && dir != place && !wanted.accepts(named) {
				missing.Have = append(missing.Have, named)
				continue // asking a server takes a moment, and there may be dozens
			}
			found, err := inspect(ctx, dir)
			switch {
			case ctx.Err() != nil:
				return Found{}, ctx.Err()
			case err != nil:
				missing.Unusable = append(missing.Unusable, err.Error())
			case wanted.accepts(found.Version):
				fit = append(fit, found)
			default:
				missing.Have = append(missing.Have, found.Version)
			}
		}
	}

	if len(fit) == 0 {
		slices.SortFunc(missing.Have, appbur.KubeVersion.Compare)
		missing.Have = slices.Compact(missing.Have)
		return Found{}, missing
	}
	return slices.MinFunc(fit, better), nil
}

// better puts the newest first, and of equal ones those with controllers. The first of equals is taken.
func better(a, b Found) int {
	controllers := func(f Found) int { return min(1, len(f.Binaries.ControllerManager)) }
	return cmp.Or(b.Version.Compare(a.Version), cmp.Compare(controllers(b), controllers(a)))
}

// controlPlanes are the directories with an API server: the place itself, or those in it.
func controlPlanes(place string) ([]string, error) {
	if IsExecutable(filepath.Join(place, APIServer)) {
		return []string{place}, nil
	}
	entries, err := os.ReadDir(place)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}

	var dirs []string
	for _, entry := range entries {
		if dir := filepath.Join(place, entry.Name()); IsExecutable(filepath.Join(dir, APIServer)) {
			dirs = append(dirs, dir)
		}
	}
	return dirs, nil
}

// namedVersion is the version in the name of a directory: 1.37.1, or 1.37.1-linux-amd64 as setup-envtest has it.
func namedVersion(dir string) (appbur.KubeVersion, bool) {
	v, err := appbur.ParseKubeVersion(filepath.Base(dir))
	return v, err == nil
}

// inspect asks the programs of a directory what they are.
func inspect(ctx context.Context, dir string) (Found, error) {
	dir, err := filepath.Abs(dir) // servers have another working directory
	if err != nil {
		return Found{}, err
	}
	found := Found{Dir: dir, Binaries: Binaries{Etcd: filepath.Join(dir, Etcd), APIServer: filepath.Join(dir, APIServer)}}
	if !IsExecutable(found.Binaries.Etcd) {
		return Found{}, fmt.Errorf("%s has no etcd", dir)
	}
	if found.Version, err = ReportedVersion(ctx, found.Binaries.APIServer); err != nil {
		return Found{}, err
	}

	manager := filepath.Join(dir, ControllerManager)
	if !IsExecutable(manager) {
		return found, nil
	}
	version, err := ReportedVersion(ctx, manager)
	if err != nil {
		return Found{}, err
	}
	if version != found.Version {
		return Found{}, fmt.Errorf("%s is version %s beside an API server of %s", manager, version, found.Version)
	}
	found.Binaries.ControllerManager = manager
	return found, nil
}
