//go:build integration

package cli

import (
	"encoding/json"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// owned is a cluster in which one ConfigMap owns another.
type owned struct{ *town }

func newOwned(t *testing.T, version string) *owned {
	c := &owned{newTown(t, version)}
	lead := c.config("lead", nil)
	c.config("follower", []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "lead", UID: lead.GetUID()}})
	c.backup(c.cluster)
	return c
}

// config makes a ConfigMap.
func (c *owned) config(name string, owners []metav1.OwnerReference) *unstructured.Unstructured {
	c.Helper()
	object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]any{"name": name}}}
	object.SetName(name)
	object.SetNamespace("shop")
	object.SetOwnerReferences(owners)
	made, err := c.of("ConfigMap", "shop").Create(c.Context(), object, metav1.CreateOptions{})
	if err != nil {
		c.Fatal(err)
	}
	return made
}

// owners are the uids of those that own the follower in the cluster.
func (c *owned) owners(t *testing.T) (uids []string) {
	t.Helper()
	follower, err := c.of("ConfigMap", "shop").Get(t.Context(), "follower", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, reference := range follower.GetOwnerReferences() {
		uids = append(uids, string(reference.UID))
	}
	return uids
}

func (c *owned) uid(t *testing.T, name string) string {
	t.Helper()
	object, err := c.of("ConfigMap", "shop").Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return string(object.GetUID())
}

// follower is a command about the owned object alone.
func (c *owned) follower(command string, more ...string) []string {
	return c.on(command, append([]string{"configmap/follower", "-n", "shop"}, more...)...)
}

// refused says that --owners fail refuses to restore the follower, and that nothing came of it.
func (c *owned) refused(t *testing.T) {
	t.Helper()
	for _, args := range [][]string{c.follower("plan", "--owners", "fail"), c.follower("restore", "--owners", "fail", "--yes")} {
		code, out, errs := c.run(args...)
		if code != ExitUsage {
			t.Errorf("%s: exit code %d\n%s%s", args[0], code, out, errs)
		}
		says(t, errs, "--owners fail: an owner is not selected: ConfigMap/shop/lead, owner of ConfigMap/shop/follower",
			"select the owner as well")
	}
	if c.there("ConfigMap", "shop", "follower") {
		t.Error("the object was restored")
	}
}

// What becomes of owners that are not selected, on real servers: the object is refused, loses the
// reference, or brings its owner with it.
func TestOwnersThatAreNotSelected(t *testing.T) {
	for _, version := range []string{"1.24.17", "1.37.1"} {
		t.Run(version, func(t *testing.T) {
			c := newOwned(t, version)
			t.Run("drop leaves a reference that somebody else wrote", c.leavesOthers)
			c.remove("ConfigMap", "shop", "follower")

			t.Run("fail, although the owner is there", c.refused)
			t.Run("drop, although the owner is there", c.dropsBesideOwner)
			t.Run("include links to the owner that is there", c.linksToOwner)
			t.Run("drop takes back a reference that a restore wrote", c.takesBackItsOwn)
			c.remove("ConfigMap", "shop", "follower")
			c.remove("ConfigMap", "shop", "lead")

			t.Run("fail, where the owner is gone", c.refused)
			t.Run("drop, where the owner is gone", c.dropsWithoutOwner)
			c.remove("ConfigMap", "shop", "follower")
			t.Run("fail, with the owner selected", c.selectsOwner)
		})
	}
}

func (c *owned) dropsBesideOwner(t *testing.T) {
	says(t, c.ok(c.follower("plan", "--owners", "drop")...), "Notes", "ConfigMap/shop/follower: owner ConfigMap lead is not selected")
	c.ok(c.follower("restore", "--owners", "drop", "--yes", "--undo-newer")...)
	if owners := c.owners(t); len(owners) > 0 {
		t.Errorf("it has the owners %v", owners)
	}
	c.ok(c.follower("verify", "--owners", "drop")...)
}

func (c *owned) linksToOwner(t *testing.T) {
	before := c.uid(t, "lead")
	out := c.ok(c.follower("restore", "--yes", "--undo-newer", "--json")...)
	if counts := c.counts(t, out); counts.Configured != 1 || counts.Created != 0 {
		t.Errorf("%+v", counts)
	}
	if owners := c.owners(t); len(owners) != 1 || owners[0] != before || c.uid(t, "lead") != before {
		t.Errorf("it has the owners %v, and not %s", owners, before)
	}
}

// What somebody else has written to an object stays, and what a restore has written is its own.
func (c *owned) takesBackItsOwn(t *testing.T) {
	out := c.ok(c.follower("restore", "--owners", "drop", "--yes", "--undo-newer", "--json")...)
	if counts := c.counts(t, out); counts.Configured != 1 || len(c.owners(t)) > 0 {
		t.Errorf("%+v, owners %v", counts, c.owners(t))
	}
}

func (c *owned) leavesOthers(t *testing.T) {
	out := c.ok(c.follower("restore", "--owners", "drop", "--yes", "--undo-newer", "--json")...)
	if counts := c.counts(t, out); counts.Created+counts.Configured != 0 || len(c.owners(t)) != 1 {
		t.Errorf("%+v, owners %v", counts, c.owners(t))
	}
	c.ok(c.follower("verify", "--owners", "drop")...)
}

func (c *owned) dropsWithoutOwner(t *testing.T) {
	out := c.ok(c.follower("restore", "--owners", "drop", "--yes", "--undo-newer", "--json")...)
	if counts := c.counts(t, out); counts.Created != 1 || c.there("ConfigMap", "shop", "lead") {
		t.Errorf("%+v", counts)
	}
	if owners := c.owners(t); len(owners) > 0 {
		t.Errorf("it has the owners %v", owners)
	}
}

func (c *owned) selectsOwner(t *testing.T) {
	args := c.on("restore", "configmap/follower", "configmap/lead", "-n", "shop", "--owners", "fail", "--yes", "--undo-newer", "--json")
	if counts := c.counts(t, c.ok(args...)); counts.Created != 2 {
		t.Errorf("%+v", counts)
	}
	if owners := c.owners(t); strings.Join(owners, " ") != c.uid(t, "lead") {
		t.Errorf("it has the owners %v, and not %s", owners, c.uid(t, "lead"))
	}
}

// ownedCounts are the numbers of a report.
type ownedCounts struct{ Created, Configured, Unchanged, Failed int }

func (c *owned) counts(t *testing.T, out string) ownedCounts {
	t.Helper()
	var answer struct{ Counts ownedCounts }
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Counts
}
