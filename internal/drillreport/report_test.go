package drillreport

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/appbur/appbur"
)

var update = flag.Bool("update", false, "write golden files instead of comparing them")

const hostile = "<script>alert(1)</script> | [x](http://evil.example/) **b** \x1b[31m\u202e\n# title"

func example() Report {
	began := time.Date(2026, 11, 22, 9, 14, 3, 0, time.UTC)
	controllers := true
	old, fresh := appbur.KubeVersion{Major: 1, Minor: 24, Patch: 17}, appbur.KubeVersion{Major: 1, Minor: 37, Patch: 1}
	return Report{
		Format: Format, ID: "20261122T091403Z-0a1b2c3d", Outcome: Failed, Why: []string{"a check of shop/rows failed: " + hostile},
		Point: Point{
			ID: "20261121T030238Z", Commit: "c0ffee", Manifests: "decaf", SignedBy: "appbur@example", Captured: began.Add(-30 * time.Hour),
			Cluster: "0c0e4f3d", Kubernetes: old,
		},
		Target: Target{
			Started: true, Programs: "/opt/kube/1.37.1", Controllers: &controllers, Name: "throwaway", Cluster: "feed", Kubernetes: fresh,
		},
		By: By{User: "ann", Host: "ops1", Release: "1.2.3", Trigger: "by hand"}, Began: began, Ended: began.Add(90 * time.Second),
		RecoverySeconds: 60, RecoveryPointSeconds: 108000,
		Phases:  []Phase{{"control plane", 10, false}, {"objects", 60, true}, {"comparison", 20, false}},
		Objects: Objects{Created: 12, Converted: 3, Compared: 12, LeftOut: 1},
		Apps: []App{{
			App: appbur.AppKey{Namespace: "shop", Name: "rows"}, Command: "rows --listen {address}", Result: "imported",
			Saved: "rows 1.0", Now: "rows 2.0",
			Equal: true, Datasets: []Dataset{
				{
					Name: "orders", Rows: 3, Bytes: 99, Digest: "sha256:00", SchemaFrom: "1.0", SchemaTo: "2.0",
					Dropped: []string{"the fax number of 2 rows"},
				},
				{Name: "passwords", Rows: 1, Bytes: 9, SchemaFrom: "1.0", SchemaTo: "1.0"},
			},
		}},
		Checks:  []Check{{App: "shop/rows", Name: "login", Reason: hostile, Seconds: 1}, {Name: "all", Passed: true, Seconds: 2}},
		Lists:   []List{{"Lost", 2, []Object{{"ConfigMap/shop/" + hostile, []string{hostile}}}}},
		Earlier: []Earlier{{"20261115T091403Z-00000000", Passed, began.Add(-7 * 24 * time.Hour), "20261114T030238Z", fresh, 50, 3600}},
	}
}

func TestGolden(t *testing.T) {
	for name, write := range forms {
		var page bytes.Buffer
		if err := write(&page, example()); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", "report"+name)
		if *update {
			if err := os.WriteFile(path, page.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), page.String()); diff != "" {
			t.Errorf("%s differs, -update writes it:\n%s", path, diff)
		}
	}
}

// What is stored is what every form is made of.
func TestDocumentIsTheWholeReport(t *testing.T) {
	var text bytes.Buffer
	if err := JSON(&text, example()); err != nil {
		t.Fatal(err)
	}
	var read Report
	if err := json.Unmarshal(text.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(example(), read); diff != "" {
		t.Error(diff)
	}
}

func TestHostileTextIsNoMarkup(t *testing.T) {
	var page bytes.Buffer
	if err := HTML(&page, example()); err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(&page)
	if err != nil {
		t.Fatal(err)
	}
	for node := range root.Descendants() {
		switch node.Data {
		case "script", "a", "img", "link", "iframe", "b":
			t.Errorf("there is a <%s>", node.Data)
		}
		for _, attribute := range node.Attr {
			if attribute.Key == "src" || attribute.Key == "href" {
				t.Errorf("<%s> needs %s", node.Data, attribute.Val)
			}
		}
	}
}

func TestTrend(t *testing.T) {
	earlier := func(seconds ...float64) (list []Earlier) {
		for _, s := range seconds {
			list = append(list, Earlier{Outcome: Passed, RecoverySeconds: s})
		}
		return list
	}
	for _, test := range []struct {
		now    Earlier
		before []Earlier
		want   string
	}{
		{Earlier{Outcome: Passed, RecoverySeconds: 66}, earlier(60), "+10 % against the median of the last 1 that passed (1m)"},
		{Earlier{Outcome: Passed, RecoverySeconds: 30}, earlier(60, 40, 20), "-25 % against the median of the last 3 that passed (40.0 s)"},
		{Earlier{Outcome: Passed, RecoverySeconds: 30}, append(earlier(20, 40), Earlier{Outcome: Failed, RecoverySeconds: 1}), "+0 %"},
		{Earlier{Outcome: Failed, RecoverySeconds: 30}, earlier(60), ""},
		{Earlier{Outcome: Passed, RecoverySeconds: 30}, nil, ""},
	} {
		if got := Trend(test.now, test.before); !strings.HasPrefix(got, test.want) || test.want == "" && got != "" {
			t.Errorf("%v: %q, want %q", test.before, got, test.want)
		}
	}
}
