package repository

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/seal"
)

// checkPoints looks at the manifests on main and at every restore point.
func (c *check) checkPoints(ctx context.Context) error {
	tip, err := c.repo.git.Tip(gitsync.MainRef)
	if err != nil {
		return err
	}
	if _, err := c.checkManifests(ctx, tip, Hit{Ref: gitsync.MainRef, Commit: tip}); err != nil {
		return err
	}

	refs, err := c.repo.Points()
	if err != nil {
		if unreadable(err) {
			c.find(Finding{Kind: findPoint, What: "the restore points cannot be listed: " + err.Error()})
			return nil
		}
		return err
	}

	for i, ref := range refs {
		c.options.Progress("restore points", i, len(refs))
		c.report.Points++
		if err := c.checkPoint(ctx, ref); err != nil {
			return err
		}
	}

	c.options.Progress("restore points", len(refs), len(refs))
	return nil
}

// wrong adds a finding about a point. What is in a point that nobody trusted has made is
// not damaged: somebody else made it so.
func (c *check) wrong(kind string, hit Hit, where string, err error) {
	hit.Path = where
	class := c.distrusted[hit.Point]
	if hit.Point == "" {
		class = Damaged
	}
	c.find(Finding{Class: class, Kind: kind, Where: where, What: err.Error(), Hint: c.options.Hint(err), Affects: []Hit{hit}})
}

// distrust adds the finding that a point is not to be believed.
func (c *check) distrust(hit Hit, err error) {
	if c.distrusted[hit.Point] != Untrusted {
		c.distrusted[hit.Point] = classOf(err)
	}
	c.find(Finding{Class: classOf(err), Kind: findSignature, What: err.Error(), Hint: c.options.Hint(err), Affects: []Hit{hit}})
}

func (c *check) checkPoint(ctx context.Context, ref PointRef) error {
	hit := Hit{Point: ref.ID, Commit: ref.Commit}
	if ref.tag.Damage != nil {
		c.wrong(findPoint, hit, "", ref.tag.Damage)
		return nil
	}
	if c.options.Signers != nil {
		if _, err := c.repo.Verify(ref, c.options.Signers); err != nil {
			c.distrust(hit, err)
		}
	}

	if err := c.repo.verifyBase(ref, c.options.Signers); err != nil {
		switch {
		case errors.Is(err, ErrUntrusted):
			c.distrust(hit, err)
		case !unreadable(err):
			c.wrong(findPoint, hit, appbur.RestorePointFile, err)
		}
	}

	meta, err := c.repo.Describe(ref)
	if err != nil {
		return nil // said just now, or by the look at the objects
	}
	if err := c.checkBase(ref, meta, hit); err != nil {
		return err
	}

	objects, err := c.checkManifests(ctx, ref.Commit, hit)
	if err != nil {
		return err
	}
	if objects >= 0 && objects != meta.Objects {
		c.wrong(findPoint, hit, appbur.RestorePointFile, fmt.Errorf("the point holds %d objects, its description says %d", objects, meta.Objects))
	}
	snapshot, err := c.repo.git.Snapshot(ref.Commit)
	if err != nil {
		return nil // said by the look at the objects
	}
	c.checkDocuments(snapshot, meta, hit)
	return c.checkPayloads(ctx, &Loaded{Meta: meta, snapshot: snapshot, opener: c.options.Opener}, hit)
}

// checkBase demands that main holds the commit that a point was made of.
func (c *check) checkBase(ref PointRef, meta appbur.RestorePoint, hit Hit) error {
	tip, err := c.repo.git.Tip(gitsync.MainRef)
	if err != nil {
		return err
	}
	holds, err := c.repo.git.Between(tip, manifestsOf(meta), func(gitsync.Commit) error { return nil })
	if err == nil && !holds {
		c.wrong(findHistory, hit, "",
			fmt.Errorf("%w: restore point %s was made of the commit %.12s, which main does not hold", ErrRewritten, ref.ID, meta.Manifests))
	}
	if err != nil && !unreadable(err) {
		c.wrong(findPoint, hit, appbur.RestorePointFile, err)
	}
	return nil
}

// checkManifests demands that each manifest of a commit parses and is at the path
// of its object, and returns how many there are, -1 when not all can be read.
func (c *check) checkManifests(ctx context.Context, commit gitsync.Hash, hit Hit) (int, error) {
	snapshot, err := c.repo.git.Snapshot(commit)
	if err != nil {
		return -1, nil // said by the look at the objects
	}

	var all, fresh []fileAt
	err = snapshot.Walk("", func(p string, blob gitsync.Hash) error {
		if appbur.IsManifestPath(p) {
			at := fileAt{p, blob}
			all = append(all, at)
			if _, known := c.files[at]; !known {
				fresh = append(fresh, at)
			}
		}
		return ctx.Err()
	})
	if unreadable(err) {
		return -1, nil
	}

	if err != nil {
		return 0, err
	}
	if err := c.readManifests(ctx, snapshot, fresh, len(all)); err != nil {
		return 0, err
	}

	for _, at := range all {
		if wrong := c.files[at]; wrong != "" {
			c.wrong(findManifest, hit, at.path, errors.New(wrong))
		}
	}
	return len(all), nil
}

// readManifests finds out what is wrong with files that were not looked at yet. If
// they are many, all files of the snapshot are read in the order in which they lie,
// which costs less than looking for each.
func (c *check) readManifests(ctx context.Context, snapshot *gitsync.Snapshot, fresh []fileAt, all int) error {
	blobs := make(map[string]gitsync.Hash, len(fresh))
	for _, at := range fresh {
		blobs[at.path] = at.blob
	}

	var mu sync.Mutex
	judge := func(p string, data []byte) error {
		mu.Lock()
		blob, wanted := blobs[p]
		mu.Unlock()
		if !wanted {
			return nil
		}
		wrong := c.judgeManifest(p, data)
		mu.Lock()
		defer mu.Unlock()
		c.files[fileAt{p, blob}] = wrong
		delete(blobs, p)
		return nil
	}

	if len(fresh)*4 > all {
		for _, dir := range []string{appbur.ClusterDir, appbur.NamespacesDir} {
			if err := snapshot.ReadAll(ctx, dir, judge); err != nil && !unreadable(err) {
				return err
			}
		}
	}

	// What is left: a few files, or those that a damaged one kept from being read.
	for _, at := range fresh {
		if _, left := blobs[at.path]; !left {
			continue
		}
		data, err := snapshot.Blob(at.blob)
		if unreadable(err) {
			continue
		}
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if err := judge(at.path, data); err != nil {
			return err
		}
	}

	return nil
}

// judgeManifest returns what is wrong with a manifest, "" if nothing is. An identity
// that does not open a Secret says nothing about the Secret: it may be of before or
// after a rotation. What is wrong inside an opened one is not quoted.
func (c *check) judgeManifest(p string, data []byte) string {
	file := appbur.File{Path: p, Data: data}
	if _, err := (&Loaded{}).decode(file); err != nil {
		return err.Error()
	}
	if c.options.Opener == nil || !seal.IsSealed(data) {
		return ""
	}

	opened, err := c.options.Opener.ReadManifest(data)
	switch {
	case errors.Is(err, seal.ErrNoIdentityMatch):
		return ""
	case err != nil:
		return err.Error() // the errors of seal contain no values
	}
	if _, err := objectAt(p, opened.Content); err != nil {
		return "what is encrypted in it is no manifest of this object"
	}
	return ""
}

// checkDocuments parses what a point says of itself.
func (c *check) checkDocuments(snapshot *gitsync.Snapshot, meta appbur.RestorePoint, hit Hit) {
	parse := func(p string, optional bool, fn func([]byte) error) {
		data, err := snapshot.ReadFile(p)
		switch {
		case errors.Is(err, fs.ErrNotExist) && optional, unreadable(err):
			return
		case err == nil:
			err = fn(data)
		}
		if err != nil {
			c.wrong(findPoint, hit, p, err)
		}
	}

	parse(appbur.CoverageFile, false, func(data []byte) error {
		var coverage appbur.Coverage
		if err := json.Unmarshal(data, &coverage); err != nil {
			return err
		}
		if !coverage.Complete() && !meta.Partial {
			return errors.New("the coverage has holes, and the point does not call itself partial")
		}
		return nil
	})

	parse(appbur.EvidenceFile, true, func(data []byte) error { _, err := appbur.ParseEvidence(data); return err })
	parse(appbur.RepositoryFile, false, func(data []byte) error { _, err := ParseConfig(data); return err })
	var index []appbur.File
	err := snapshot.Walk(appbur.IndexDir, func(p string, blob gitsync.Hash) error {
		data, err := snapshot.Blob(blob)
		index = append(index, appbur.File{Path: p, Data: data})
		return err
	})
	if err == nil {
		_, err = manifest.DecodeIndex(index)
	}
	if err != nil && !unreadable(err) {
		c.wrong(findPoint, hit, appbur.IndexDir, err)
	}
}

// checkPayloads joins the pieces of each dataset and compares their digest. What is
// encrypted and cannot be opened is looked at from outside.
func (c *check) checkPayloads(ctx context.Context, loaded *Loaded, hit Hit) error {
	for _, app := range loaded.Meta.Apps {
		for _, d := range app.Datasets {
			if err := ctx.Err(); err != nil {
				return err
			}
			c.report.Datasets++
			where := path.Join(AppDir(app.AppKey), d.Name)
			err := c.checkPayload(loaded, app.AppKey, d)
			if err != nil && !unreadable(err) {
				c.wrong(findPayload, hit, where, err)
			}
		}
	}
	return c.checkStrays(loaded, hit)
}

func (c *check) checkPayload(loaded *Loaded, app appbur.AppKey, d appbur.Dataset) error {
	if d.Sensitive && c.options.Opener == nil {
		return c.inspectPieces(loaded, app, d)
	}
	payload, err := loaded.Payload(app, d)
	if errors.Is(err, seal.ErrNoIdentityMatch) {
		c.note("dataset %s of %s in %s is encrypted to other recipients than the given identity; its digest was not checked", d.Name, app,
			loaded.Meta.ID)
		return c.inspectPieces(loaded, app, d)
	}

	if err != nil {
		return err
	}
	size, err := io.Copy(io.Discard, payload)
	if err := errors.Join(err, payload.Close()); err != nil {
		return err
	}
	if size != d.Size {
		return fmt.Errorf("the payload has %d bytes, its description says %d", size, d.Size)
	}
	return nil
}

// inspectPieces demands that each piece and the digest are sealed, for as many
// recipients as the point's own appbur.yaml names.
func (c *check) inspectPieces(loaded *Loaded, app appbur.AppKey, d appbur.Dataset) error {
	recipients := 0
	if data, err := loaded.snapshot.ReadDescription(appbur.RepositoryFile); err == nil {
		if config, err := ParseConfig(data); err == nil {
			recipients = len(config.Recipients)
		}
	}
	if len(d.SealedDigest) > 0 {
		if err := inspectPiece("the digest", d.SealedDigest, recipients); err != nil {
			return err
		}
	}

	for _, piece := range d.Pieces {
		data, err := loaded.snapshot.ReadFile(path.Join(AppDir(app), d.Name, piece))
		if err != nil {
			return fmt.Errorf("piece %s: %w", piece, err)
		}
		if err := inspectPiece("piece "+piece, data, recipients); err != nil {
			return err
		}
	}

	return nil
}

// inspectPiece looks at one sealed piece. Of 0 recipients is not known how many there
// must be.
func inspectPiece(what string, data []byte, recipients int) error {
	info, err := seal.InspectPiece(data)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if recipients > 0 && info.Recipients != recipients {
		return fmt.Errorf("%s is encrypted to %d recipients, %s names %d", what, info.Recipients, appbur.RepositoryFile, recipients)
	}
	return nil
}

// checkStrays demands that a point holds no payload that its description does not
// name: no reader would look at it, and it may be somebody's Secret.
func (c *check) checkStrays(loaded *Loaded, hit Hit) error {
	// How git shows the files below it is no payload.
	named := map[string]bool{path.Join(appbur.AppsDir, ".gitattributes"): true}
	for _, app := range loaded.Meta.Apps {
		for _, d := range app.Datasets {
			for _, piece := range d.Pieces {
				named[path.Join(AppDir(app.AppKey), d.Name, piece)] = true
			}
		}
	}

	err := loaded.snapshot.Walk(appbur.AppsDir, func(p string, _ gitsync.Hash) error {
		if !named[p] && strings.HasPrefix(p, appbur.AppsDir+"/") {
			c.wrong(findPayload, hit, p, errors.New("the description of the point does not name this piece"))
		}
		return nil
	})
	if unreadable(err) {
		return nil
	}
	return err
}
