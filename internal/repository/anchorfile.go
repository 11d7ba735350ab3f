package repository

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/durable"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
)

// anchorEnding is that of the files in a directory of anchors.
const anchorEnding = ".anchor"

// Anchor describes the repository as it is now. It names only points that somebody
// trusted has signed: others could crowd them out.
func (r *Repository) Anchor(keys *keyring.Keys, at time.Time) (Anchor, error) {
	// Points first: a point that is made meanwhile belongs to a later main.
	all, err := r.ownCatalog(keys)
	if err != nil {
		return Anchor{}, err
	}
	tip, err := r.git.Tip(gitsync.MainRef)
	if err != nil {
		return Anchor{}, err
	}
	config, err := r.configAt(tip)
	if err != nil {
		return Anchor{}, err
	}

	a := Anchor{Repository: string(config.Repository), Cluster: config.Cluster.ID, Main: tip, Time: at.UTC().Truncate(time.Second)}
	for _, ref := range all.Refs {
		// A lightweight tag is nothing that appbur made, and has no object to anchor.
		if !ref.tag.Object.IsZero() && len(a.Points) < anchorPoints {
			a.Points = append(a.Points, AnchoredPoint{ref.ID, ref.tag.Object})
		}
	}

	return a, nil
}

// WriteAnchor writes a signed anchor to a file, which is replaced in one step, or as
// a new file into a directory, for places where nothing can be replaced. It returns
// the anchor and the file. An anchor that the history does not hold any more is
// evidence and is never replaced: the error wraps [ErrRewritten].
func (r *Repository) WriteAnchor(path string, keys *keyring.Keys, at time.Time) (Anchor, string, error) {
	a, err := r.Anchor(keys, at)
	if err != nil {
		return Anchor{}, "", err
	}

	old, _, err := ReadAnchor(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return Anchor{}, "", err
	default:
		if _, err := r.Contains(old.Anchor); err != nil {
			return Anchor{}, "", fmt.Errorf("%s is not replaced: %w", path, err)
		}
	}

	data, err := a.sign(keys)
	if err != nil {
		return Anchor{}, "", err
	}

	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, a.Time.Format("20060102T150405Z")+"-"+a.Main.Short()+anchorEnding)
		err = durable.WriteNew(path, data, 0o644)
		if errors.Is(err, fs.ErrExist) {
			return a, path, nil // of this very second and commit
		}
		if err != nil {
			return Anchor{}, "", fmt.Errorf("writing the anchor: %w", err)
		}
		return a, path, nil
	}

	if err := durable.Replace(path, data, 0o644); err != nil {
		return Anchor{}, "", fmt.Errorf("writing the anchor: %w", err)
	}
	return a, path, nil
}

// ReadAnchor reads the anchor in a file, or the newest complete one in a directory, and
// says which file that is. Without any the error wraps [fs.ErrNotExist].
func ReadAnchor(path string) (*SignedAnchor, string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, "", anchorHint(fmt.Errorf("anchor: %w", err))
	}
	if !info.IsDir() {
		a, err := readAnchorFile(path)
		return a, path, err
	}
	names, err := filepath.Glob(filepath.Join(path, "*"+anchorEnding))
	if err != nil || len(names) == 0 {
		return nil, "", errors.Join(err, anchorHint(fmt.Errorf("anchor: %s holds none: %w", path, fs.ErrNotExist)))
	}
	slices.Sort(names)

	var first error
	for _, name := range slices.Backward(names) {
		a, err := readAnchorFile(name)
		if err == nil {
			return a, name, nil
		}
		// A machine that died while it wrote leaves one that is incomplete.
		if first == nil {
			first = err
		}
	}

	return nil, "", first
}

func readAnchorFile(path string) (*SignedAnchor, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, anchorHint(fmt.Errorf("anchor: %w", err))
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxAnchor+1))
	if err != nil {
		return nil, fmt.Errorf("anchor: %w", err)
	}
	a, err := ParseAnchor(data)
	if err != nil {
		return nil, anchorHint(fmt.Errorf("%s: %w", path, err))
	}
	return a, nil
}

func anchorHint(err error) error {
	return because(ReasonNoAnchor, err)
}

// Contains reports whether the history holds what an anchor names, and which of its
// points are no longer there, which retention may have done. If main does not lead
// back to the anchored commit, or if a point was replaced, the error wraps
// [ErrRewritten].
func (r *Repository) Contains(a Anchor) (gone []appbur.RestorePointID, err error) {
	if a.Repository != string(r.config.Repository) {
		return nil, appbur.WithHint(fmt.Errorf("%w: the anchor is of the repository %s, and this is %s", ErrAnchor, a.Repository,
			r.config.Repository), "pass the anchor of this repository")
	}
	tip, err := r.git.Tip(gitsync.MainRef)
	if err != nil {
		return nil, err
	}
	holds, err := r.git.Between(tip, a.Main, func(gitsync.Commit) error { return nil })
	if err != nil {
		return nil, err
	}

	if !holds {
		return nil, because(ReasonRewritten, fmt.Errorf("%w: the anchor of %s names %s, which main at %s does not lead back to",
			ErrRewritten, a.Time.Format(anchorTime), a.Main.Short(), tip.Short()))
	}
	refs, err := r.Points()
	if err != nil {
		return nil, err
	}
	tags := map[appbur.RestorePointID]gitsync.Hash{}
	for _, ref := range refs {
		tags[ref.ID] = ref.tag.Object
	}

	var replaced []string
	for _, p := range a.Points {
		switch tag, there := tags[p.ID]; {
		case !there:
			gone = append(gone, p.ID)
		case tag != p.Tag:
			replaced = append(replaced, string(p.ID))
		}
	}

	if len(replaced) > 0 {
		return gone, because(ReasonRewritten, fmt.Errorf("%w: since the anchor of %s these restore points were replaced: %s",
			ErrRewritten, a.Time.Format(anchorTime), appbur.Shortlist(replaced, shownPoints)))
	}
	return gone, nil
}
