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
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/seal"
)

// PointContent is what a restore point adds to the manifests on main.
type PointContent struct {
	Created  time.Time
	Cluster  appbur.Cluster
	Rules    string
	Coverage appbur.Coverage
	Index    map[appbur.ObjectID]manifest.Entry
	Evidence appbur.Evidence
	Apps     []AppPayload
	// Objects counts the manifests.
	Objects int
	// Overrides are the guards that were overruled and that no commit records yet.
	Overrides []string
}

// AppPayload is the exported state of one application. The datasets' pieces are
// filled in when it is saved.
type AppPayload struct {
	appbur.AppState
	// Data holds the plain payload of each dataset, by name.
	Data map[string][]byte
}

// SavePoint adds a restore point on top of the given commit of main: one child
// commit and one signed annotated tag, which is written last. If anything fails
// there is no point.
func (r *Repository) SavePoint(ctx context.Context, manifests gitsync.Hash, content PointContent, keys *Keys, random io.Reader, now func() time.Time) (appbur.RestorePoint, error) {
	sealer, err := seal.NewSealer(r.config.Recipients, keys.fingerprint, random, now)
	if err != nil {
		return appbur.RestorePoint{}, fmt.Errorf("%s: %w", appbur.RepositoryFile, err)
	}
	edit, err := r.git.Edit(manifests)
	if err != nil {
		return appbur.RestorePoint{}, err
	}
	point := appbur.RestorePoint{
		Format: appbur.RestorePointFormat, Created: content.Created.UTC().Truncate(time.Second),
		Cluster: content.Cluster, Rules: content.Rules, Manifests: string(manifests),
		Partial: !content.Coverage.Complete(), Objects: content.Objects,
	}
	files, err := manifest.EncodeIndex(content.Index)
	if err != nil {
		return appbur.RestorePoint{}, err
	}
	coverage, err := encodeJSON(content.Coverage)
	if err != nil {
		return appbur.RestorePoint{}, err
	}
	evidence, err := encodeJSON(content.Evidence)
	if err != nil {
		return appbur.RestorePoint{}, err
	}
	files = append(files, appbur.File{Path: appbur.CoverageFile, Data: coverage}, appbur.File{Path: appbur.EvidenceFile, Data: evidence})
	for _, app := range content.Apps {
		state, pieces, err := appFiles(app, sealer)
		if err != nil {
			return appbur.RestorePoint{}, fmt.Errorf("application %s: %w", app.AppKey, err)
		}
		point.Apps = append(point.Apps, state)
		files = append(files, pieces...)
	}
	slices.SortFunc(point.Apps, func(a, b appbur.AppState) int { return strings.Compare(a.String(), b.String()) })
	for _, file := range files {
		if _, err := edit.Put(file.Path, file.Data); err != nil {
			return appbur.RestorePoint{}, err
		}
	}
	// The id is the time; a second point within one second gets a counter.
	for attempt := 0; ; attempt++ {
		point.ID = appbur.NewRestorePointID(content.Created, attempt)
		description, err := encodeJSON(point)
		if err != nil {
			return appbur.RestorePoint{}, err
		}
		if _, err := edit.Put(appbur.RestorePointFile, description); err != nil {
			return appbur.RestorePoint{}, err
		}
		list := append(trailers(content.Cluster, content.Rules, content.Coverage, content.Overrides),
			gitsync.Trailer{Key: trailerObjects, Value: fmt.Sprint(content.Objects)})
		_, _, err = r.git.CommitAndTag(ctx, point.ID.Tag(), edit, manifests, gitsync.CommitInfo{
			Author: identity, Committer: identity, Time: content.Created, Signer: keys.signer,
			Subject: "Restore point " + string(point.ID), Body: pointBody(point), Trailers: list,
		}, gitsync.TagInfo{
			Tagger: identity, Time: content.Created, Signer: keys.signer,
			Message: "Restore point " + string(point.ID) + "\n\n" + pointBody(point),
		})
		if errors.Is(err, gitsync.ErrTagExists) && attempt < 1000 {
			continue
		}
		return point, err
	}
}

func pointBody(p appbur.RestorePoint) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Kubernetes %s, %d objects", p.Cluster.Version, p.Objects)
	if p.Partial {
		b.WriteString(", PARTIAL: see " + appbur.CoverageFile)
	}
	for _, app := range p.Apps {
		fmt.Fprintf(&b, "\n%s (%s %s):", app.AppKey, app.App, app.Version)
		for _, d := range app.Datasets {
			fmt.Fprintf(&b, " %s %s (%d rows)", d.Name, d.Schema, d.Rows)
		}
	}
	return b.String()
}

// appFiles cuts the payloads of one application into pieces and seals those of
// sensitive datasets.
func appFiles(app AppPayload, sealer *seal.Sealer) (appbur.AppState, []appbur.File, error) {
	state := app.AppState
	state.Datasets = slices.Clone(state.Datasets)
	for _, part := range []string{state.Namespace, state.Name} {
		if err := validAppPart("application", part); err != nil {
			return state, nil, err
		}
	}
	var files []appbur.File
	for i := range state.Datasets {
		d := &state.Datasets[i]
		if err := validAppPart("dataset", d.Name); err != nil {
			return state, nil, err
		}
		payload := app.Data[d.Name]
		if got := appbur.DigestOf(payload); got != d.Digest {
			return state, nil, fmt.Errorf("dataset %s: the bytes have digest %s, the application said %s", d.Name, got, d.Digest)
		}
		d.Pieces = nil
		for n, piece := range splitRows(payload) {
			name := pieceName(n, d.Sensitive)
			if d.Sensitive {
				sealed, err := sealer.SealPiece(piece, nil)
				if err != nil {
					return state, nil, fmt.Errorf("dataset %s: %w", d.Name, err)
				}
				piece = sealed
			}
			d.Pieces = append(d.Pieces, name)
			files = append(files, appbur.File{Path: AppDir(state.AppKey) + "/" + d.Name + "/" + name, Data: piece})
		}
	}
	return state, files, nil
}

// encodeJSON writes the one form in which JSON documents are stored.
func encodeJSON(value any) ([]byte, error) {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding %T: %w", value, err)
	}
	return append(data, '\n'), nil
}
