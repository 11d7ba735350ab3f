package restorereport

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/appbur/appbur/internal/markdown"
)

var update = flag.Bool("update", false, "write golden files instead of comparing them")

// hostile is what names and messages of objects could hold.
const hostile = "<script>alert(1)</script> | [x](http://evil.example/) **b** `c` &amp; \x1b[31m\u202e\n# title"

func example() Report {
	began := time.Date(2026, 11, 22, 9, 14, 3, 0, time.UTC)
	return Report{
		Point: "20261121T030238Z", Captured: began.Add(-30*time.Hour - 11*time.Minute), Began: began, Ended: began.Add(83 * time.Second),
		Part: "namespace shop", Target: "new (https://127.0.0.1:6443)", Cluster: "0c0e4f3d", Source: "1.24.17", Version: "1.37.1",
		Failure: "not everything was restored: 1 of 3 objects failed",
		Phases:  []Phase{{"plan", 2500 * time.Millisecond}, {"objects", 80 * time.Second}},
		Counts:  []Count{{"created", 2}, {"failed", 1}},
		Apps:    []Row{{"shop/rows", []string{"imported into fleet 2.0", "rows: 3 rows"}}},
		Sections: []Section{
			{"Failed", []Row{{"ConfigMap/shop/web", []string{hostile}}}},
			{"Skipped", nil},
			{"Created", []Row{{"Secret/shop/" + hostile, nil}}},
		},
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
		if page.String() != string(want) {
			t.Errorf("%s differs, -update writes it:\n%s", path, page.String())
		}
	}
}

// A page in HTML has the elements of its template and no other, and loads nothing.
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
		if node.Type != html.ElementNode {
			continue
		}
		switch node.Data {
		case "script", "a", "img", "link", "iframe", "b":
			t.Errorf("there is a <%s>", node.Data)
		}
		for _, attribute := range node.Attr {
			if attribute.Key == "src" || attribute.Key == "href" || strings.HasPrefix(attribute.Key, "on") {
				t.Errorf("<%s> has %s", node.Data, attribute.Key)
			}
		}
	}

	for _, part := range []string{"<script", "[x](", "**b**", " `c`", "\x1b", "\u202e", "\n# title", " | [", "http://"} {
		if strings.Contains(markdown.Text(hostile), part) {
			t.Errorf("Markdown has %q: %s", part, markdown.Text(hostile))
		}
	}
}

func TestForms(t *testing.T) {
	for name, want := range map[string]bool{"a.md": true, "a.HTML": true, "a.txt": false, "md": false, "": false} {
		if _, ok := For(name); ok != want {
			t.Errorf("%q: %t", name, ok)
		}
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		1500 * time.Millisecond: "1.5 s", 83 * time.Second: "1m23s", 30 * time.Hour: "30h0m", 50*time.Hour + time.Minute: "2 days 2 h",
		2 * time.Minute: "2m", 10 * time.Minute: "10m", -time.Hour: "unknown: the clocks disagree", time.Minute + 20*time.Second: "1m20s",
	} {
		if got := Span(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
