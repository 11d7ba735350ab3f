package transport

import (
	"errors"
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

func namespace(t testing.TB, text string) Namespace {
	t.Helper()
	n, err := ParseNamespace(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// hostileNamespaces would name something else than a part of one's own, at a server or on its disk.
var hostileNamespaces = []string{
	"", "/", "..", "../x", "x/..", "x/../y", "x//y", "/x", "x/", ".", "./x", ".x", "x.", "x..y", "x.lock", "x/y.lock", "x.lock/y",
	"refs", "refs/heads/x", "HEAD", "main", "x/main", "main/x", "appbur-actors", "x/appbur-actors",
	"restore-points", "x/restore-points", "x/restore-points/y",
	"-x", "x/-y", "x y", "x\ty", "x\ny", "x\x00y", "x\x7fy", "x~1", "x^", "x:y", "x?", "x*", "x[y", `x\y`, "x@{0}", "@", "x#y", "x%2fy", "x'y",
	"$x", "x;y", "x|y", "X", "x/Eu", "é", "x\u200by", "x\xffy", strings.Repeat("x", 10_000), strings.Repeat("x/", 5_000) + "x",
	strings.Repeat("x", longestSegment+1), strings.TrimSuffix(strings.Repeat("xyz/", 51), "/"),
}

func TestNamespacesThatAreRefused(t *testing.T) {
	for _, text := range hostileNamespaces {
		_, err := ParseNamespace(text)
		if !errors.Is(err, ErrNamespace) || appbur.HintOf(err) == "" {
			t.Errorf("%.60q: %v, hint %q", text, err, appbur.HintOf(err))
			continue
		}
		if len(text) > 20 && strings.Contains(err.Error(), text) {
			t.Errorf("the error repeats %.60q", text)
		}
		_, err = ParseURL("https://git.example/fleet.git#" + text)
		if !errors.Is(err, ErrURL) || appbur.HintOf(err) == "" {
			t.Errorf("in a URL, %.60q: %v", text, err)
		}
	}
}

func TestANamespaceIsBelowEachKindOfRef(t *testing.T) {
	eu := namespace(t, "clusters/prod-eu")
	for here, there := range map[string]string{
		"refs/heads/main": "refs/heads/clusters/prod-eu/main",
		"refs/tags/restore-points/20261121T000000Z": "refs/tags/clusters/prod-eu/restore-points/20261121T000000Z",
		"refs/notes/appbur-actors":                  "refs/notes/clusters/prod-eu/appbur-actors",
	} {
		got, err := eu.There(here)
		if err != nil || got.name != there {
			t.Errorf("%s is %s there, want %s: %v", here, got.name, there, err)
		}
		if back, is := eu.Here(there); !is || back != here {
			t.Errorf("%s is %s here, want %s", there, back, here)
		}
	}
	for _, name := range []string{"HEAD", "refs/x", "refs/heads/../x", "refs/heads/", ""} {
		if got, err := eu.There(name); err == nil {
			t.Errorf("%q has the name %s there", name, got.name)
		}
	}
	for _, name := range []string{
		"HEAD", "refs/heads/main", "refs/heads/clusters/prod-eu", "refs/heads/clusters/prod-eu-2/main", "refs/heads/clusters/prod/main",
		"refs/tags/restore-points/x", "refs/heads/clusters/prod-eu/", "refs/pull/1/head",
	} {
		if here, is := eu.Here(name); is {
			t.Errorf("%q is taken for %s", name, here)
		}
	}
}

// parts are what appbur keeps at a remote.
var parts = []string{
	"refs/heads/main", "refs/tags/restore-points/20261121T000000Z", "refs/tags/restore-points/20261121T000000Z-2", "refs/notes/appbur-actors",
}

// Whatever two namespaces are, neither has a ref of the other, nor one that is in its way on a server's disk.
func FuzzNamespaces(f *testing.F) {
	for _, text := range hostileNamespaces {
		f.Add(text, "clusters/eu-1")
	}
	f.Add("a", "a/b")
	f.Add("a.b", "a/b")
	f.Add("clusters/eu-1", "clusters/eu-10")
	f.Fuzz(func(t *testing.T, one, other string) {
		a, err := ParseNamespace(one)
		if err != nil {
			a = Namespace{}
		}
		b, err := ParseNamespace(other)
		if err != nil || a == b {
			return
		}
		for _, first := range parts {
			x, err := a.There(first)
			if err != nil || object.CheckRefName(x.name) != nil {
				t.Fatalf("%s in %q: %v", first, a, err)
			}
			if back, is := a.Here(x.name); !is || back != first {
				t.Fatalf("%s in %q comes back as %s", first, a, back)
			}
			for _, second := range parts {
				y, err := b.There(second)
				if err != nil {
					t.Fatal(err)
				}
				inTheWay := strings.HasPrefix(x.name, y.name+"/") || strings.HasPrefix(y.name, x.name+"/")
				if strings.EqualFold(x.name, y.name) || inTheWay {
					t.Fatalf("%q has %s, and %q has %s", a, x.name, b, y.name)
				}
			}
		}
		u, err := ParseURL("git@git.example:fleet.git#" + b.String())
		if err != nil || u.Namespace() != b || u.Whole().String() != "git@git.example:fleet.git" {
			t.Errorf("%q in a URL: %s, %v", b, u, err)
		}
	})
}

// Of a list of others' refs only one's own are kept, by their names here.
func TestOnlyOnesOwnRefsAreReadOfAList(t *testing.T) {
	in := packets(someHash+" HEAD\x00report-status\n", someHash+" refs/heads/clusters/a/main\n", someHash+" refs/heads/clusters/b/main\n",
		someHash+" refs/tags/clusters/a/restore-points/x\n", someHash+" refs/tags/clusters/b/y..z\n", someHash+" refs/tags/clusters/a/y..z\n", "")
	a, err := readAdvertisement(strings.NewReader(in), ReceivePack, false, namespace(t, "clusters/a"))
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Refs) != 2 || a.Refs["refs/heads/main"].IsZero() || a.Refs["refs/tags/restore-points/x"].IsZero() || len(a.Odd) != 1 {
		t.Errorf("%v %v", a.Refs, a.Odd)
	}
}
