package helm

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/appbur/appbur"
)

// How the storage drivers mark their records (helm/helm pkg/storage/storage.go and
// pkg/storage/driver).
const (
	secretType   = "helm.sh/release.v1"
	recordPrefix = "sh.helm.release.v1."
	ownerLabel   = "owner"
	owner        = "helm"
	dataKey      = "release"
)

// sopsPrefix starts every value that SOPS encrypted. It is no base64.
const sopsPrefix = "ENC["

// Read decodes a release record. It reports false for objects that are none.
//
// A record that cannot be read, wholly or in part, comes with an error, and with a
// Release that knows what could be read: at least what name and labels say. The
// Problem of its summary is that error. The object is not modified.
func Read(obj map[string]any) (Release, bool, error) {
	record, ok := recordID(obj)
	if !ok {
		return Release{}, false, nil
	}
	r := Release{record: record, summary: labelled(obj, record)}
	if err := r.fill(obj); err != nil {
		r.summary.Problem = err.Error()
		return r, true, appbur.WithHint(fmt.Errorf("helm release record %s: %w", record, err), r.hint(err))
	}
	return r, true, nil
}

func (r Release) hint(err error) string {
	switch {
	case errors.Is(err, ErrEncrypted):
		return "decrypt the manifests first, with the age identity of the repository"
	case errors.Is(err, ErrManifest):
		return fmt.Sprintf("read it with `helm get manifest %s --namespace %s --revision %d`", r.summary.Name, r.record.Namespace,
			r.summary.Revision)
	default:
		return fmt.Sprintf("see what Helm itself can read with `helm history %s --namespace %s`", r.summary.Name, r.record.Namespace)
	}
}

// recordID distinguishes records from other objects. The type of a Secret is enough, since
// only Helm uses it. A ConfigMap needs both the label that Helm looks for and the
// name that Helm gives, since either alone can belong to other objects.
func recordID(obj map[string]any) (appbur.ObjectID, bool) {
	kind, metadata := text(obj["kind"]), mapping(obj["metadata"])
	id := appbur.ObjectID{Kind: kind, Namespace: text(metadata["namespace"]), Name: text(metadata["name"])}
	if obj["apiVersion"] != "v1" || id.Name == "" {
		return appbur.ObjectID{}, false
	}
	switch kind {
	case "Secret":
		return id, obj["type"] == secretType
	case "ConfigMap":
		return id, strings.HasPrefix(id.Name, recordPrefix) && mapping(metadata["labels"])[ownerLabel] == owner
	default:
		return appbur.ObjectID{}, false
	}
}

// labelled is what a record says without being decoded.
func labelled(obj map[string]any, record appbur.ObjectID) appbur.HelmRelease {
	labels := mapping(mapping(obj["metadata"])["labels"])
	name, revision := record.Name, ""
	if key, ok := strings.CutPrefix(record.Name, recordPrefix); ok {
		if at := strings.LastIndex(key, ".v"); at > 0 {
			name, revision = key[:at], key[at+len(".v"):]
		}
	}
	if label := text(labels["name"]); label != "" {
		name = label
	}
	if label := text(labels["version"]); label != "" {
		revision = label
	}

	// A revision that is no number stays 0, which is none: Helm counts from 1.
	number, err := strconv.Atoi(revision)
	if err != nil || number < 0 {
		number = 0
	}
	return appbur.HelmRelease{Namespace: record.Namespace, Name: name, Revision: number, Status: text(labels["status"])}
}

// storedRelease is the part of Helm's JSON that is read. Values, configuration and
// templates are left out, so that they are never decoded.
type storedRelease struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	Version   int    `json:"version"`
	Info      struct {
		Status string `json:"status"`
	} `json:"info"`
	Chart struct {
		Metadata struct {
			Name       string `json:"name"`
			Version    string `json:"version"`
			AppVersion string `json:"appVersion"`
		} `json:"metadata"`
	} `json:"chart"`
	Manifest string `json:"manifest"`
	Hooks    []struct {
		Manifest string `json:"manifest"`
	} `json:"hooks"`
}

func (r *Release) fill(obj map[string]any) error {
	stored, err := decodeRecord(obj, r.record.Kind)
	if err != nil {
		return err
	}
	s := &r.summary
	s.Name, s.Revision = stored.Name, stored.Version
	if stored.Namespace != "" {
		s.Namespace = stored.Namespace
	}
	if stored.Info.Status != "" {
		s.Status = stored.Info.Status
	}
	chart := stored.Chart.Metadata
	s.Chart, s.ChartVersion, s.AppVersion = chart.Name, chart.Version, chart.AppVersion

	reader := manifestReader{}
	reader.read(stored.Manifest, "the manifest", false)
	for i, hook := range stored.Hooks {
		reader.read(hook.Manifest, fmt.Sprintf("hook %d", i+1), true)
	}
	documents := reader.documents
	r.documents = func() []document { return documents }
	s.Objects = reader.objects
	return reader.err()
}

func decodeRecord(obj map[string]any, kind string) (storedRelease, error) {
	value := text(mapping(obj["data"])[dataKey])
	switch {
	case value == "":
		return storedRelease{}, fmt.Errorf("%w: data.%s is missing", ErrEncoding, dataKey)
	case strings.HasPrefix(value, sopsPrefix):
		return storedRelease{}, ErrEncrypted
	}

	encoded := []byte(value)
	if kind == "Secret" {
		// A Secret's data is base64 in the API, on top of Helm's own.
		var err error
		if encoded, err = unbase64(encoded); err != nil {
			return storedRelease{}, err
		}
	}

	plain, err := expand(encoded)
	if err != nil {
		return storedRelease{}, err
	}
	var stored storedRelease
	if err := json.Unmarshal(plain, &stored); err != nil {
		return storedRelease{}, jsonError(err)
	}
	if stored.Name == "" || stored.Version < 1 {
		return storedRelease{}, fmt.Errorf("%w: it has no name or no revision", ErrNotRelease)
	}
	return stored, nil
}

// jsonError says where the JSON is wrong and not what is there: the errors of
// encoding/json quote numbers and characters, which may be part of a secret.
func jsonError(err error) error {
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &mismatch):
		return fmt.Errorf("%w: the field %q has another type than Helm gives it", ErrNotRelease, mismatch.Field)
	case errors.As(err, &syntax):
		return fmt.Errorf("%w: it is no JSON at byte %d", ErrNotRelease, syntax.Offset)
	default:
		return fmt.Errorf("%w: it is no JSON", ErrNotRelease)
	}
}

// text and mapping read a value as its type, and anything else as nothing.
func text(value any) string {
	s, _ := value.(string)
	return s
}

func mapping(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}
