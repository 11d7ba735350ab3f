package appbur_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/appbur/appbur"
)

// Whatever a sensitive dataset goes through as JSON, its digest does not come along.
func TestDigestsOfSensitiveDatasetsAreNotEncoded(t *testing.T) {
	d := appbur.Dataset{Name: "d", Digest: appbur.DigestOf([]byte("guess")), Pieces: []string{}}
	digest := []byte(d.Digest.String())

	encode := func(value any) []byte {
		data, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	if data := encode(d); !bytes.Contains(data, digest) {
		t.Errorf("a plain dataset lost its digest: %s", data)
	}
	d.Sensitive, d.SealedDigest = true, []byte("sealed")

	state := appbur.AppState{Datasets: []appbur.Dataset{d}}
	for _, value := range []any{d, &d, state, appbur.RestorePoint{Apps: []appbur.AppState{state}}, map[string]any{"x": []any{d}}} {
		if data := encode(value); bytes.Contains(data, digest) || !bytes.Contains(data, []byte(`"sealedDigest":"c2VhbGVk"`)) {
			t.Errorf("%T: %s", value, data)
		}
	}

	if d.Digest.IsZero() {
		t.Error("encoding changed the dataset")
	}
}

func TestParseRestorePointWantsDigests(t *testing.T) {
	digest := `,"digest":"` + appbur.DigestOf(nil).String() + `"`
	const sealed, sensitive = `,"sealedDigest":"c2VhbGVk"`, `,"sensitive":true`
	for _, test := range []struct {
		format int
		fields string
		reason string // "" is accepted
	}{
		{1, digest, ""},
		{2, digest, ""},
		{2, digest + sensitive, ""},
		{2, sealed + sensitive, "its format does not know"},
		{3, digest, ""},
		{3, sealed + sensitive, ""},
		{3, "", "no digest"},
		{3, sealed, "only then"},
		{3, digest + sealed, "only then"},
		{3, sensitive, "only then"},
		{3, digest + sensitive, "not sealed"},
		{3, digest + sealed + sensitive, "not sealed"},
	} {
		text := fmt.Sprintf(`{"format":%d,"id":"20261121T020238Z","apps":[{"namespace":"n","name":"a","datasets":[{"name":"d"%s}]}]}`,
			test.format, test.fields)
		_, err := appbur.ParseRestorePoint([]byte(text))
		if test.reason == "" && err != nil || test.reason != "" &&
			(err == nil || !strings.Contains(err.Error(), test.reason) || !strings.Contains(err.Error(), "application n/a, dataset d")) {
			t.Errorf("%s: %v, want %q", text, err, test.reason)
		}
	}
}
