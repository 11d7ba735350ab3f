package repository

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/seal"
)

// Object is one manifest of a point, decoded.
type Object struct {
	ID appbur.ObjectID
	// Path is where the manifest lies in the tree.
	Path       string
	APIVersion string
	Content    map[string]any
	// Sealed objects are those whose secret values were not decrypted, because
	// no identity was given.
	Sealed bool
	// Secrets are the paths below which values were or are encrypted, as keys of
	// maps from the root on. What is there must not be printed.
	Secrets [][]string
}

// Loaded is a restore point in memory, application payloads excepted, and for [Repository.LoadEach] the objects.
type Loaded struct {
	Meta     appbur.RestorePoint
	Coverage appbur.Coverage
	Objects  []Object
	Index    map[appbur.ObjectID]manifest.Entry
	// Evidence is empty in points of releases that did not gather it.
	Evidence appbur.Evidence

	snapshot *gitsync.Snapshot
	opener   *seal.Opener
}

// Load reads a restore point. With an opener Secrets and the digests of sensitive
// datasets are decrypted; without one they stay sealed, which suffices to look at a
// point and not to restore it.
func (r *Repository) Load(ctx context.Context, ref PointRef, opener *seal.Opener) (*Loaded, error) {
	return r.LoadWithProgress(ctx, ref, opener, func(int, int) {})
}

// LoadWithProgress is Load, and reports how many objects of how many were read, one call at a
// time.
func (r *Repository) LoadWithProgress(
	ctx context.Context, ref PointRef, opener *seal.Opener, progress func(done, total int),
) (*Loaded, error) {
	var objects []Object
	loaded, err := r.LoadEach(ctx, ref, opener, progress, func(o Object) { objects = append(objects, o) })
	if err != nil {
		return nil, err
	}
	slices.SortFunc(objects, func(a, b Object) int { return strings.Compare(a.Path, b.Path) })
	loaded.Objects = objects
	return loaded, nil
}

// LoadEach is LoadWithProgress for points of any size: each object is handed to take, one call
// at a time and in no particular order, and not kept. An error can come after some calls.
func (r *Repository) LoadEach(
	ctx context.Context, ref PointRef, opener *seal.Opener, progress func(done, total int), take func(Object),
) (*Loaded, error) {
	meta, err := r.Describe(ref)
	if err != nil {
		return nil, err
	}
	snapshot, err := r.git.Snapshot(ref.Commit)
	if err != nil {
		return nil, fmt.Errorf("restore point %s: %w", ref.ID, err)
	}

	loaded := &Loaded{Meta: meta, snapshot: snapshot, opener: opener}
	if err := loaded.openDigests(); err != nil {
		return nil, fmt.Errorf("restore point %s: %w", ref.ID, err)
	}
	progress(0, meta.Objects)
	held := 0
	err = loaded.readAll(ctx, func(o Object) {
		take(o)
		held++
		progress(held, meta.Objects)
	})
	if err != nil {
		return nil, fmt.Errorf("restore point %s: %w", ref.ID, err)
	}
	if held != meta.Objects {
		return nil, fmt.Errorf("restore point %s: it holds %d objects, its description says %d", ref.ID, held, meta.Objects)
	}
	return loaded, nil
}

// readAll reads everything but the objects into l, and hands over each object, one call at a time.
func (l *Loaded) readAll(ctx context.Context, take func(Object)) error {
	var index []appbur.File
	var mu sync.Mutex
	see := func(p string, data []byte) error {
		if appbur.IsManifestPath(p) {
			object, err := l.decode(appbur.File{Path: p, Data: data})
			if err != nil {
				return fmt.Errorf("%s: %w", p, err)
			}
			mu.Lock()
			defer mu.Unlock()
			take(object)
			return nil
		}

		mu.Lock()
		defer mu.Unlock()
		switch {
		case strings.HasPrefix(p, appbur.IndexDir+"/"):
			index = append(index, appbur.File{Path: p, Data: data})
		case p == appbur.EvidenceFile:
			var err error
			if l.Evidence, err = appbur.ParseEvidence(data); err != nil {
				return err
			}
		case p == appbur.CoverageFile:
			if err := json.Unmarshal(data, &l.Coverage); err != nil {
				return fmt.Errorf("reading %s: %w", p, err)
			}
		}
		return nil
	}
	// Payloads are read when they are asked for.
	for _, part := range []string{appbur.ClusterDir, appbur.NamespacesDir, appbur.IndexDir, appbur.CoverageFile, appbur.EvidenceFile} {
		if err := l.snapshot.ReadAll(ctx, part, see); err != nil {
			return err
		}
	}

	var err error
	l.Index, err = manifest.DecodeIndex(index)
	return err
}

func (l *Loaded) decode(file appbur.File) (Object, error) {
	content, secrets, err := l.read(file.Data)
	if err != nil {
		return Object{}, err
	}
	id, err := objectAt(file.Path, content)
	if err != nil {
		return Object{}, err
	}

	version, _ := content["apiVersion"].(string)
	return Object{
		ID: id, Path: file.Path, APIVersion: version, Content: content, Secrets: secrets,
		Sealed: seal.IsSealed(file.Data) && l.opener == nil,
	}, nil
}

// objectAt is which object a manifest is of. It must be that of its path.
func objectAt(p string, content map[string]any) (appbur.ObjectID, error) {
	id, err := manifest.IDOf(content)
	if err != nil {
		return appbur.ObjectID{}, err
	}
	if !id.LiesAt(p) {
		return appbur.ObjectID{}, fmt.Errorf("the file holds %s, which belongs at %s", id, id.Path())
	}
	return id, nil
}

// Stored returns a manifest as it is stored, sealed or not.
func (l *Loaded) Stored(object Object) ([]byte, error) {
	data, err := l.snapshot.ReadFile(object.Path)
	if err != nil {
		return nil, fmt.Errorf("restore point %s: %w", l.Meta.ID, err)
	}
	return data, nil
}

// read returns what a manifest holds, and the paths of what is or was encrypted in it. A sealed one is
// parsed once, whether its values are decrypted or not.
func (l *Loaded) read(data []byte) (content map[string]any, secrets [][]string, err error) {
	var sealed seal.Manifest
	switch {
	case !seal.IsSealed(data):
		content, err = manifest.Decode(data)
		return content, nil, err
	case l.opener == nil:
		sealed, err = seal.ReadSealed(data)
	default:
		sealed, err = l.opener.ReadManifest(data)
	}
	return sealed.Content, sealed.Secrets, err
}
