//go:build integration

package capture_test

import (
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/faultproxy"
)

// TestKindsThatDifferOnlyInCase defines two kinds that an API server distinguishes and
// a lower-case path does not, each with an object of the same name.
func TestKindsThatDifferOnlyInCase(t *testing.T) {
	w := newWorld(t, "1.24.17", faultproxy.HTTP2)
	const group = "case.example.org"
	w.create("namespaces", object("v1", "Namespace", "", "case", nil))
	add := func(kind, plural string) appbur.ObjectID {
		w.create("customresourcedefinitions", definition(group, kind, plural, "v1"))
		w.create(plural, object(group+"/v1", kind, "case", "one", map[string]any{"spec": map[string]any{"of": kind}}))
		return appbur.ObjectID{Group: group, Kind: kind, Namespace: "case", Name: "one"}
	}
	first := add("DNSRecord", "dnsrecords")
	w.mustBackup(w.archive)
	before := w.tree(t)[first.Path()]
	second := add("DnsRecord", "dnsentries")

	w.mustBackup(w.archive)
	tree, tip := w.tree(t), w.git(t, "rev-parse", "main")
	if tree[first.Path()] != before || tree[second.RivalPath()] == "" {
		t.Errorf("%s has %q, was %q; %s has %q", first.Path(), tree[first.Path()], before, second.RivalPath(), tree[second.RivalPath()])
	}
	w.mustBackup(w.archive)
	if again := w.git(t, "rev-parse", "main"); again != tip {
		t.Errorf("a backup of the same made a commit:\n%s", w.git(t, "show", "--stat", "main"))
	}

	w.remove(definitions, "", "dnsrecords."+group)
	w.mustBackup(w.archive)
	tree = w.tree(t)
	if tree[first.Path()] != "" || tree[second.RivalPath()] == "" {
		t.Errorf("after the first kind is gone: %q and %q", tree[first.Path()], tree[second.RivalPath()])
	}
	w.remove(definitions, "", "dnsentries."+group)
}
