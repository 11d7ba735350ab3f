package helm

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/appbur/appbur"
)

// encode does what Helm's storage drivers do to a release.
func encode(t testing.TB, plain []byte) string {
	t.Helper()
	return base64.StdEncoding.EncodeToString(zip(t, plain))
}

func zip(t testing.TB, plain []byte) []byte {
	t.Helper()
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func twice(encoded string) string { return base64.StdEncoding.EncodeToString([]byte(encoded)) }

// secretRecord is a record as the API server shows it, around data that Helm
// encoded.
func secretRecord(namespace, name string, revision int, status, encoded string) map[string]any {
	return map[string]any{
		"apiVersion": "v1", "kind": "Secret", "type": secretType,
		"metadata": recordMetadata(namespace, name, revision, status),
		"data":     map[string]any{"release": twice(encoded)},
	}
}

func configMapRecord(namespace, name string, revision int, status, encoded string) map[string]any {
	return map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": recordMetadata(namespace, name, revision, status),
		"data":     map[string]any{"release": encoded},
	}
}

func recordMetadata(namespace, name string, revision int, status string) map[string]any {
	return map[string]any{
		"name": fmt.Sprintf("%s%s.v%d", recordPrefix, name, revision), "namespace": namespace,
		"labels": map[string]any{"owner": "helm", "name": name, "version": fmt.Sprint(revision), "status": status, "modifiedAt": "1700000000"},
	}
}

// releaseJSON is the smallest release that Helm would write.
func releaseJSON(namespace, name string, revision int, status string) string {
	return fmt.Sprintf(`{"name":%q,"namespace":%q,"version":%d,"info":{"status":%q},"chart":{"metadata":{"name":"c","version":"1.0.0"}},`+
		`"manifest":"---\n# Source: c/templates/x.yaml\napiVersion: v1\nkind: Service\nmetadata:\n  name: %s\n"}`, name, namespace, revision,
		status, name)
}

func mustRead(t testing.TB, obj map[string]any) Release {
	t.Helper()
	r, ok, err := Read(obj)
	if err != nil || !ok {
		t.Fatalf("Read: %v, %v", ok, err)
	}
	return r
}

func kubeVersion(t testing.TB, s string) appbur.KubeVersion {
	t.Helper()
	v, err := appbur.ParseKubeVersion(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
