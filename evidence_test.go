package appbur_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/appbur/appbur"
)

func fullEvidence() appbur.Evidence {
	return appbur.Evidence{
		Format: appbur.EvidenceFormat, RequestsReadable: true,
		DeprecatedRequests: []appbur.DeprecatedRequest{
			{Group: "policy", Version: "v1beta1", Resource: "podsecuritypolicies", RemovedRelease: "1.25"},
			{Group: "batch", Version: "v1beta1", Resource: "cronjobs", RemovedRelease: "1.25"},
			{Version: "v1", Resource: "componentstatuses"},
			{Version: "v1", Resource: "componentstatuses"},
		},
		Warnings: []string{
			"v1 ComponentStatus is deprecated in v1.19+", "batch/v1beta1 CronJob is deprecated",
			"v1 ComponentStatus is deprecated in v1.19+",
		},
		HelmReleases: []appbur.HelmRelease{
			{
				Namespace: "web", Name: "shop", Revision: 2, Status: "deployed", Chart: "shop", ChartVersion: "1.0.0", AppVersion: "7",
				Objects: []appbur.HelmObject{
					{APIVersion: "v1", Kind: "Service", Name: "shop"},
					{APIVersion: "apps/v1", Kind: "Deployment", Name: "shop"},
					{APIVersion: "v1", Kind: "Service", Name: "shop"},
				},
			},
			{Namespace: "web", Name: "shop", Revision: 1, Problem: "the data is not base64"},
			{Namespace: "db", Name: "store", Revision: 7, Status: "failed"},
		},
		Definitions: []appbur.Definition{
			{
				Name: "widgets.example.com", Kind: "Widget", Served: []string{"v1beta1", "v1"}, Storage: "v1", Stored: []string{"v1beta1", "v1"},
				Conversion: "Webhook",
			},
			{Name: "apples.example.com", Kind: "Apple", Served: []string{"v1"}, Storage: "v1", Stored: []string{"v1"}, Conversion: "None"},
		},
	}
}

func TestEvidenceBytesDoNotDependOnArrival(t *testing.T) {
	var want []byte
	random := rand.New(rand.NewPCG(1, 2))

	for range 50 {
		e := fullEvidence()
		shuffle(random, e.DeprecatedRequests)
		shuffle(random, e.Warnings)
		shuffle(random, e.HelmReleases)
		shuffle(random, e.Definitions)
		for i := range e.HelmReleases {
			shuffle(random, e.HelmReleases[i].Objects)
		}
		for i := range e.Definitions {
			shuffle(random, e.Definitions[i].Served)
			shuffle(random, e.Definitions[i].Stored)
		}
		e.Sort()
		got, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("another order gives other bytes:\n%s\n%s", got, want)
		}
	}

	e, err := appbur.ParseEvidence(want)
	if err != nil {
		t.Fatal(err)
	}
	if len(e.DeprecatedRequests) != 3 || len(e.Warnings) != 2 || len(e.HelmReleases) != 3 || len(e.HelmReleases[2].Objects) != 2 ||
		len(e.Definitions) != 2 {
		t.Errorf("repetitions are kept, or entries lost: %+v", e)
	}
	if first := e.HelmReleases[0]; first.Name != "store" || e.HelmReleases[1].Revision != 1 {
		t.Errorf("releases are not in order: %+v", e.HelmReleases)
	}
}

func shuffle[T any](random *rand.Rand, list []T) {
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

// The names of fields are the format: renaming one breaks every restore point.
func TestEvidenceFieldNames(t *testing.T) {
	const want = `{"format":1,"requestsReadable":false,"requestsReason":"forbidden","warnings":["w"],` +
		`"helmReleases":[{"namespace":"n","name":"r","revision":3,"status":"deployed","chart":"c","chartVersion":"1","appVersion":"2",` +
		`"objects":[{"apiVersion":"v1","kind":"Pod","namespace":"n","name":"p"}],"problem":"x"}],` +
		`"definitions":[{"name":"d.g","kind":"D","served":["v1"],"storage":"v1","stored":["v1"],"conversion":"None"}]}`
	e, err := appbur.ParseEvidence([]byte(want))
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("written\n%s\nwant\n%s", got, want)
	}
}

func TestParseEvidenceRefuses(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"nothing":              {``, "reading evidence.json"},
		"a list":               {`[]`, "reading evidence.json"},
		"no format":            {`{}`, "format 0"},
		"a later format":       {`{"format":2}`, "format 2"},
		"a contradiction":      {`{"format":1,"requestsReadable":true,"requestsReason":"forbidden"}`, "reason why not"},
		"unreadable requests":  {`{"format":1,"deprecatedRequests":[{"version":"v1","resource":"x"}]}`, "not readable"},
		"a nameless request":   {`{"format":1,"requestsReadable":true,"deprecatedRequests":[{"group":"apps"}]}`, "no resource"},
		"a release that never": {`{"format":1,"requestsReadable":true,"deprecatedRequests":[{"version":"v1","resource":"x","removedRelease":"soon"}]}`, "not a Kubernetes version"},
		"a nameless release":   {`{"format":1,"helmReleases":[{"namespace":"n"}]}`, "no name"},
		"a negative revision":  {`{"format":1,"helmReleases":[{"name":"n","revision":-1}]}`, "negative"},
		"a kindless object":    {`{"format":1,"helmReleases":[{"name":"n","objects":[{"apiVersion":"v1"}]}]}`, "no kind"},
		"a nameless CRD":       {`{"format":1,"definitions":[{"kind":"D","storage":"v1"}]}`, "no name"},
		"a second document":    {`{"format":1}{"format":1}`, "reading evidence.json"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := appbur.ParseEvidence([]byte(test.text))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one that says %q", err, test.want)
			}
		})
	}

	_, err := appbur.ParseEvidence([]byte(`{"format":2}`))
	if appbur.HintOf(err) == "" {
		t.Error("another format has no hint")
	}
}

func FuzzParseEvidence(f *testing.F) {
	e := fullEvidence()
	full, err := json.Marshal(e)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(full)
	f.Add([]byte(`{"format":1}`))
	f.Add([]byte(`{"format":1,"definitions":null,"warnings":["<b>"],"extra":1}`))

	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := appbur.ParseEvidence(data)
		if err != nil {
			return
		}
		written, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		again, err := appbur.ParseEvidence(written)
		if err != nil {
			t.Fatalf("what was written is refused: %v\n%s", err, written)
		}
		rewritten, err := json.Marshal(again)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(written, rewritten) {
			t.Errorf("written %s, then %s", written, rewritten)
		}
		again.Sort()
		if resorted, _ := json.Marshal(again); !bytes.Equal(resorted, rewritten) || !reflect.DeepEqual(again.Warnings, e.Warnings) {
			t.Errorf("sorting again changes %s to %s", rewritten, resorted)
		}
	})
}
