package appbur

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"
)

// RestorePointTagPrefix starts the short name of every restore point's tag.
const RestorePointTagPrefix = "restore-points/"

// RestorePointFormat is the version of the restore point's document that this
// release writes. It reads all from oldestRestorePointFormat on:
//
//	1  pieces of payloads have running numbers
//	2  pieces are named by their first key; the document holds the time window, the
//	   keys of the datasets and how payloads were cut
//	3  the digest of a sensitive dataset is sealed
const RestorePointFormat = 3

const (
	oldestRestorePointFormat = 1
	// firstSealedDigestFormat is the first whose sensitive datasets show no digest.
	firstSealedDigestFormat = 3
)

// restorePointID is a UTC time to the second and, when that second already has a
// point, a counter. It sorts by age as text and is legal in a ref name.
var restorePointID = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}Z(-[0-9]{1,4})?$`)

// RestorePointID names a restore point, for example "20261121T030238Z".
type RestorePointID string

// NewRestorePointID makes the id of a point taken at the given time. attempt
// counts points of the same second, from 0.
func NewRestorePointID(at time.Time, attempt int) RestorePointID {
	id := at.UTC().Format("20060102T150405Z")
	if attempt > 0 {
		id = fmt.Sprintf("%s-%d", id, attempt)
	}
	return RestorePointID(id)
}

// ParseRestorePointID accepts an id or the full tag name that holds one.
func ParseRestorePointID(s string) (RestorePointID, error) {
	if len(s) > len(RestorePointTagPrefix) && s[:len(RestorePointTagPrefix)] == RestorePointTagPrefix {
		s = s[len(RestorePointTagPrefix):]
	}
	if !restorePointID.MatchString(s) {
		return "", fmt.Errorf("%q is not a restore point id: want a time such as 20261121T030238Z, or latest", s)
	}
	return RestorePointID(s), nil
}

// Tag returns the short name of the tag that holds the point.
func (id RestorePointID) Tag() string { return RestorePointTagPrefix + string(id) }

// Cluster identifies where objects came from.
type Cluster struct {
	// ID is the uid of the namespace kube-system, which lives as long as the cluster.
	ID string `json:"id"`
	// Version is what the API server called itself.
	Version KubeVersion `json:"kubernetesVersion"`
}

// RestorePoint describes one moment. It is stored as restorepoint.json beside
// what it describes.
type RestorePoint struct {
	Format  int            `json:"format"`
	ID      RestorePointID `json:"id"`
	Created time.Time      `json:"created"`
	// Sequence is greater than that of every point that was there before, whatever the
	// clock says. Points of older releases have 0.
	Sequence int `json:"sequence,omitempty"`
	// Started and Ended are the time window in which the cluster and the
	// applications were read. In format 1 both are Created.
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	Cluster Cluster   `json:"cluster"`
	// Rules is the version of the rules that the manifests were made by.
	Rules string `json:"rulesVersion"`
	// Manifests is the commit of main whose tree the manifests are.
	Manifests string `json:"manifestsCommit"`
	// Partial is true when coverage has holes or an application is missing. Such
	// a point is never "latest" unless asked for.
	Partial bool `json:"partial"`
	// Objects counts the manifests in the tree.
	Objects int `json:"objects"`
	// Schedules are the names of those that the point was due for, sorted. There are none when
	// somebody asked for it, and in points of older releases.
	Schedules []string `json:"schedules,omitempty"`
	// Apps lists the application state, sorted by namespace and name.
	Apps []AppState `json:"apps,omitempty"`
	// Missing are the applications that earlier points hold and that this one should
	// have held, in the same order.
	Missing []MissingApp `json:"missing,omitempty"`
}

// MissingApp is an application that a restore point does not hold although it should.
type MissingApp struct {
	AppKey
	// Point is the newest point that held its state, and Sequence that point's.
	Point    RestorePointID `json:"lastPoint"`
	Sequence int            `json:"lastSequence"`
}

// AppKey names an application within a cluster.
type AppKey struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// String returns "namespace/name".
func (k AppKey) String() string { return k.Namespace + "/" + k.Name }

// Matches reports whether a pattern means the application: NAMESPACE/NAME part by part, or a name alone in any namespace.
// The signs are those of [path.Match]; a pattern that is malformed matches nothing.
func (k AppKey) Matches(pattern string) bool {
	whole, _ := path.Match(pattern, k.String())
	name, _ := path.Match(pattern, k.Name)
	return whole || name
}

// Compare orders applications by namespace and name.
func (k AppKey) Compare(other AppKey) int {
	return cmp.Or(strings.Compare(k.Namespace, other.Namespace), strings.Compare(k.Name, other.Name))
}

// AppState is what one application exported.
type AppState struct {
	AppKey
	// App is the id that the application gave itself, Version its own version.
	App      string    `json:"app"`
	Version  string    `json:"version"`
	Datasets []Dataset `json:"datasets"`
	// From says that the state was taken over from an earlier point, because no schedule asked for a newer one. It is
	// nil for what the application exported for this point.
	From *AppOrigin `json:"from,omitempty"`
}

// AppOrigin is the restore point that an application exported its state for, which later points have taken over.
type AppOrigin struct {
	Point RestorePointID `json:"point"`
	// Sequence is that of the point, and Created its time.
	Sequence int       `json:"sequence"`
	Created  time.Time `json:"created"`
}

// OriginOf is the restore point that the state of an application of this one was exported for: this one itself, unless
// it was taken over.
func (p RestorePoint) OriginOf(app AppState) AppOrigin {
	if app.From != nil {
		return *app.From
	}
	return AppOrigin{Point: p.ID, Sequence: p.Sequence, Created: p.Created}
}

// Dataset is one named part of an application's state.
type Dataset struct {
	Name string `json:"name"`
	// Schema is the version of the payload's schema, MAJOR.MINOR.
	Schema string `json:"schema"`
	// MediaType says how to read the bytes, for example "application/x-ndjson".
	MediaType string `json:"mediaType"`
	// Rows counts rows as the application counts them.
	Rows int64 `json:"rows"`
	// Size is in bytes, of the plain payload.
	Size int64 `json:"size"`
	// Digest is that of the plain payload, pieces joined in order. That of a sensitive
	// dataset is zero until somebody who can decrypt has opened SealedDigest, and is
	// never encoded.
	Digest Digest `json:"digest,omitzero"`
	// SealedDigest is the digest of a sensitive dataset, encrypted as its pieces are.
	// It is empty for others, and in formats 1 and 2.
	SealedDigest []byte `json:"sealedDigest,omitempty"`
	// Sensitive payloads are encrypted piece by piece.
	Sensitive bool `json:"sensitive,omitempty"`
	// Key names the top-level fields that identify a row; empty where that is not
	// known, as in format 1.
	Key []string `json:"key,omitempty"`
	// Positions are those of the counters that number the rows, where the application
	// has such. They are none in points of older releases.
	Positions []Position `json:"positions,omitempty"`
	// Layout says how the payload was cut. It is nil in format 1.
	Layout *Layout `json:"layout,omitempty"`
	// Pieces are the file names below the dataset's directory, in order.
	Pieces []string `json:"pieces"`
}

// Layout says how a payload was cut into pieces, so that it can be cut the same
// way again. Readers do not need it: pieces joined in order are the payload.
type Layout struct {
	// Method is LayoutKey, LayoutRow or LayoutContent.
	Method string `json:"method"`
	// Least and Greatest bound the size of a piece in bytes. The last piece may be
	// smaller, and a row that is larger is a piece of its own.
	Least    int `json:"least"`
	Greatest int `json:"greatest"`
}

// The methods of cutting a payload. What one of these names means never changes.
const (
	// LayoutKey cuts rows where the hash of a row's key says so.
	LayoutKey = "key-hash/1"
	// LayoutRow cuts rows where the hash of a row says so, because it has no key.
	LayoutRow = "row-hash/1"
	// LayoutContent cuts bytes where a rolling hash over them says so.
	LayoutContent = "content/1"
)

// MediaTypeRows is that of payloads whose rows the contract knows: JSON, one object per line.
const MediaTypeRows = "application/x-ndjson"

// Opaque reports whether the payload is bytes that only the application reads.
func (d Dataset) Opaque() bool { return d.MediaType != "" && d.MediaType != MediaTypeRows }

// Content says for people how much the payload holds: its rows, or its media type.
func (d Dataset) Content() string {
	if d.Opaque() {
		return d.MediaType
	}
	return fmt.Sprintf("%d rows", d.Rows)
}

// ParseRestorePoint reads restorepoint.json and refuses formats that this
// release does not know.
func ParseRestorePoint(data []byte) (RestorePoint, error) {
	var p RestorePoint
	if err := json.Unmarshal(data, &p); err != nil {
		return RestorePoint{}, fmt.Errorf("reading %s: %w", RestorePointFile, err)
	}
	if p.Format < oldestRestorePointFormat || p.Format > RestorePointFormat {
		return RestorePoint{}, WithHint(
			fmt.Errorf("restore point has format %d, this release reads formats %d to %d", p.Format, oldestRestorePointFormat, RestorePointFormat),
			"use the appbur release that wrote it, or a later one")
	}

	if p.Format == 1 {
		p.Started, p.Ended = p.Created, p.Created
	}
	if _, err := ParseRestorePointID(string(p.ID)); err != nil {
		return RestorePoint{}, fmt.Errorf("reading %s: %w", RestorePointFile, err)
	}

	for _, app := range p.Apps {
		for _, d := range app.Datasets {
			if err := d.wantDigest(p.Format); err != nil {
				return RestorePoint{}, fmt.Errorf("reading %s: application %s, dataset %s: %w", RestorePointFile, app.AppKey, d.Name, err)
			}
		}
	}

	return p, nil
}
