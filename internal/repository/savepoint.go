package repository

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/manifest"
)

// PointContent is what a restore point adds to the manifests on main, application
// payloads excepted.
type PointContent struct {
	// Created is when the reading began, Ended when it was over. A zero Ended is
	// Created.
	Created  time.Time
	Ended    time.Time
	Cluster  appbur.Cluster
	Rules    string
	Coverage appbur.Coverage
	Index    map[appbur.ObjectID]manifest.Entry
	Evidence appbur.Evidence
	// Objects counts the manifests.
	Objects int
	// Own are files in which the point differs from main ([Outcome]): another writer had
	// something newer, and manifests must fit the index.
	Own map[string][]byte
	// Overrides are the guards that were overruled and that no commit records yet.
	Overrides []string
	// Schedules are the names of those that the point is due for, none if somebody asks for it.
	Schedules []string
}

// SavePoint makes a restore point without applications: [Repository.BeginPoint] and
// [PointWriter.Save].
func (r *Repository) SavePoint(ctx context.Context, manifests gitsync.Hash, content PointContent, keys *keyring.Keys, random io.Reader,
	now func() time.Time,
) (appbur.RestorePoint, error) {
	writer, err := r.BeginPoint(keys, random, now)
	if err != nil {
		return appbur.RestorePoint{}, err
	}
	return writer.Save(ctx, manifests, content)
}

// Save adds the restore point on top of the given commit of main: one child commit
// and one signed annotated tag, which is written last. If anything fails there is
// no point.
func (w *PointWriter) Save(ctx context.Context, manifests gitsync.Hash, content PointContent) (appbur.RestorePoint, error) {
	point := appbur.RestorePoint{
		Format: appbur.RestorePointFormat, Sequence: w.sequence, Created: content.Created.UTC().Truncate(time.Second),
		Started: content.Created.UTC(), Ended: content.Ended.UTC(),
		Cluster: content.Cluster, Rules: content.Rules, Manifests: manifests.String(),
		Partial: !content.Coverage.Complete(), Objects: content.Objects, Schedules: slices.Sorted(slices.Values(content.Schedules)),
	}

	if content.Ended.IsZero() {
		point.Ended = point.Started
	}
	defer w.release()
	var err error
	if point.Apps, err = w.finish(); err != nil {
		return appbur.RestorePoint{}, err
	}

	held := make([]appbur.AppKey, len(point.Apps))
	for i, app := range point.Apps {
		held[i] = app.AppKey
	}
	point.Missing = w.Missing(held)
	point.Partial = point.Partial || len(point.Missing) > 0
	if err := w.edit.Onto(manifests, builtOn...); err != nil {
		return appbur.RestorePoint{}, err
	}

	for path, data := range content.Own {
		if err := setFile(w.edit, path, data); err != nil {
			return appbur.RestorePoint{}, err
		}
	}

	files, err := content.files()
	if err != nil {
		return appbur.RestorePoint{}, err
	}

	paths := make([]string, len(files))
	for i, file := range files {
		paths[i] = file.Path
		if _, err := w.edit.Put(file.Path, file.Data); err != nil {
			return appbur.RestorePoint{}, err
		}
	}

	if err := keepFiles(w.edit, appbur.IndexDir, paths); err != nil {
		return appbur.RestorePoint{}, err
	}
	used, err := w.repo.deletedPoints()
	if err != nil {
		return appbur.RestorePoint{}, err
	}

	// The id is the time; a second point within one second gets a counter. The id of a
	// point that was deleted is not given again: remotes and anchors may still know it.
	for attempt := 0; ; attempt++ {
		point.ID = appbur.NewRestorePointID(content.Created, attempt)
		if used[point.ID.Tag()] {
			continue
		}
		description, err := encodeJSON(point)
		if err != nil {
			return appbur.RestorePoint{}, err
		}
		if _, err := w.edit.Put(appbur.RestorePointFile, description); err != nil {
			return appbur.RestorePoint{}, err
		}
		list := append(trailers(content.Cluster, content.Rules, content.Coverage, content.Overrides),
			gitsync.Trailer{Key: trailerObjects, Value: fmt.Sprint(content.Objects)})
		body := pointBody(point, content.Coverage)
		_, _, err = w.repo.git.CommitAndTag(ctx, point.ID.Tag(), w.edit, manifests, gitsync.CommitInfo{
			Author: identity, Committer: identity, Time: content.Created, Signer: w.keys.Signer(),
			Subject: "Restore point " + string(point.ID), Body: body, Trailers: list,
		}, gitsync.TagInfo{
			Tagger: identity, Time: content.Created, Signer: w.keys.Signer(),
			Message: "Restore point " + string(point.ID) + "\n\n" + body,
		})
		if errors.Is(err, gitsync.ErrTagExists) && attempt < 1000 {
			continue
		}
		return point, err
	}
}

// setFile puts a file, or removes it if there is no data.
func setFile(edit *gitsync.Edit, path string, data []byte) error {
	if data == nil {
		_, err := edit.Remove(path)
		return err
	}
	_, err := edit.Put(path, data)
	return err
}

// Remember notes a point that was just saved, if it is complete, as the newest that was
// seen.
func (w *PointWriter) Remember(point appbur.RestorePoint, at time.Time) error {
	if point.Partial {
		return nil
	}
	ref, err := w.repo.Resolve(string(point.ID))
	if err != nil {
		return err
	}
	return w.repo.RememberPoint(w.keys.Dir, ref, at)
}

func (c PointContent) files() ([]appbur.File, error) {
	files, err := manifest.EncodeIndex(c.Index)
	if err != nil {
		return nil, err
	}
	coverage, err := encodeJSON(c.Coverage)
	if err != nil {
		return nil, err
	}
	evidence, err := encodeJSON(c.Evidence)
	if err != nil {
		return nil, err
	}
	return append(files, appbur.File{Path: appbur.CoverageFile, Data: coverage}, appbur.File{Path: appbur.EvidenceFile, Data: evidence}), nil
}

// pointBody says what a point holds, for people who have git and nothing else. The
// tag's signature covers it.
func pointBody(p appbur.RestorePoint, coverage appbur.Coverage) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Cluster: %s\nKubernetes: %s\nRead: %s to %s\nCoverage: %s\nObjects: %d",
		p.Cluster.ID, p.Cluster.Version, p.Started.Format(time.RFC3339), p.Ended.Format(time.RFC3339), describeCoverage(coverage), p.Objects)
	if p.Partial {
		b.WriteString("\nThis point is PARTIAL: see " + appbur.CoverageFile + " and " + appbur.RestorePointFile)
	}
	for _, app := range p.Missing {
		fmt.Fprintf(&b, "\nMissing application: %s (last in %s)", app.AppKey, app.Point)
	}

	for _, app := range p.Apps {
		fmt.Fprintf(&b, "\nApplication: %s (%s %s)", app.AppKey, app.App, app.Version)
		if app.From != nil {
			fmt.Fprintf(&b, ", as in %s", app.From.Point)
		}
		for _, d := range app.Datasets {
			digest := "digest sealed"
			if !d.Sensitive {
				digest = d.Digest.String()
			}
			fmt.Fprintf(&b, "\n  %s, schema %s, %s, %d bytes, %s", d.Name, d.Schema, d.Content(), d.Size, digest)
		}
	}

	return b.String()
}

// encodeJSON writes the one form in which JSON documents are stored.
func encodeJSON(value any) ([]byte, error) {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding %T: %w", value, err)
	}
	return append(data, '\n'), nil
}
