package apps

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

var hexDigits = regexp.MustCompile(`[0-9a-f]{12}`)

// What differs is said of a sensitive dataset as of any other, but without a digest:
// what is said ends up in logs.
func TestCheckSaysNoDigestOfSensitiveDatasets(t *testing.T) {
	saved := newStore()
	target := serve(t, contracttest.NewMemory(rows()))
	state, err := Export(t.Context(), Dialer{}, target, saved, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}

	if differences, err := (Checker{Payloads: saved, Random: rand.Reader}).Check(t.Context(), target, state); err != nil ||
		len(differences) != 0 {
		t.Fatalf("%q, %v", differences, err)
	}
	other := rows()
	other["users"][0] = contract.Row(`{"id":2}`)
	other["orders"][0] = contract.Row(`{"id":0,"user":1,"text":"other"}`)
	differences, err := Checker{Payloads: saved, Random: rand.Reader}.Check(t.Context(), serve(t, contracttest.NewMemory(other)), state)
	if err != nil || len(differences) != 2 {
		t.Fatalf("%q, %v", differences, err)
	}

	for _, said := range differences {
		if !strings.Contains(said, "rows differ from the saved ones") || hexDigits.MatchString(said) != strings.Contains(said, "dataset orders") {
			t.Errorf("%q", said)
		}
	}
}

// The report of an import has the digests of datasets that are not sensitive.
func TestImportReportsNoDigestOfSensitiveDatasets(t *testing.T) {
	saved := newStore()
	state, err := Export(t.Context(), Dialer{}, serve(t, contracttest.NewMemory(rows())), saved, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	target := serve(t, contracttest.NewMemory(map[string][]contract.Row{}))
	importer := Importer{Targets: []Target{target}, Payloads: saved, Random: rand.Reader, ReadyTimeout: time.Minute}

	imported, err := importer.Import(t.Context(), state)
	if err != nil || !imported.Applied || len(imported.Datasets) != 2 {
		t.Fatalf("%+v, %v", imported, err)
	}
	report, err := json.Marshal(imported)
	if err != nil {
		t.Fatal(err)
	}

	for _, d := range state.Datasets {
		if shown := bytes.Contains(report, []byte(d.Digest.String())); shown == d.Sensitive {
			t.Errorf("dataset %s, sensitive is %v: %s", d.Name, d.Sensitive, report)
		}
	}
}

// What is wrong with a row is said with a part of it, but not of a sensitive dataset.
func TestWrongRowsOfSensitiveDatasetsAreNotQuoted(t *testing.T) {
	for _, sensitive := range []bool{false, true} {
		saved := appbur.Dataset{Name: "logins", Schema: "1.0", Sensitive: sensitive}
		_, err := expect(saved, contract.DatasetInfo{Schema: "1.0"}, strings.NewReader("{\"id\":1}\n{\"hunter2\":1,\"hunter2\":2}\n"))
		if err == nil || !strings.Contains(err.Error(), "dataset logins, row 2") || strings.Contains(err.Error(), "hunter2") == sensitive {
			t.Errorf("sensitive is %t: %v", sensitive, err)
		}
	}
}

// Of an opaque dataset the digest is all that can be compared. One that is sealed is
// never taken for equal.
func TestOpaqueSensitiveDatasetsAreComparedWithoutShowingDigests(t *testing.T) {
	digest := func(text string) appbur.Digest { return appbur.DigestOf([]byte(text)) }
	live := contract.ExportedDataset{DatasetHeader: contract.DatasetHeader{Name: "blob", Schema: "1.0"}, Digest: digest("a")}
	for _, test := range []struct {
		saved     appbur.Digest
		sensitive bool
		want      string
	}{
		{digest("a"), true, ""},
		{digest("b"), true, "bytes differ"},
		{digest("b"), false, "bytes differ"},
		{appbur.Digest{}, true, "is sealed"},
	} {
		said := compareOpaque(appbur.Dataset{Name: "blob", Schema: "1.0", Digest: test.saved, Sensitive: test.sensitive}, live, false)
		if (said == "") != (test.want == "") || !strings.Contains(said, test.want) ||
			hexDigits.MatchString(said) != (said != "" && !test.sensitive) {
			t.Errorf("%+v: %q", test, said)
		}
	}
}
