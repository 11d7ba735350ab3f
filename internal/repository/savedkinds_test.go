package repository

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
)

// The kinds on main are named as their manifests name them, sealed ones too, and with
// what was put and deleted since the last commit.
func TestKindsBeside(t *testing.T) {
	f := newFixture(t)
	f.backup()
	f.reopen()
	writer := f.begin()
	kinds := func(known ...appbur.TypeCoverage) []SavedKind {
		t.Helper()
		list, err := writer.KindsBeside(appbur.Coverage{Types: known})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	configMap := SavedKind{GroupKind: appbur.GroupKind{Kind: "ConfigMap"}, Version: "v1", Namespaced: true, Files: 1}
	secret := SavedKind{GroupKind: appbur.GroupKind{Kind: "Secret"}, Version: "v1", Namespaced: true, Files: 2}
	policy := SavedKind{GroupKind: appbur.GroupKind{Group: "policy", Kind: "PodSecurityPolicy"}, Version: "v1beta1", Files: 1}
	if diff := cmp.Diff([]SavedKind{configMap, secret}, kinds()); diff != "" {
		t.Errorf("on main (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]SavedKind{configMap}, kinds(appbur.TypeCoverage{Kind: "Secret"})); diff != "" {
		t.Errorf("beside what is known (-want +got):\n%s", diff)
	}

	result, err := f.rules().Make(map[string]any{
		"apiVersion": "policy/v1beta1", "kind": "PodSecurityPolicy",
		"metadata": map[string]any{"name": "p"}, "spec": map[string]any{},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Put(result); err != nil {
		t.Fatal(err)
	}
	if err := writer.KeepOnly(secret.GroupKind, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]SavedKind{configMap, policy}, kinds()); diff != "" {
		t.Errorf("after changes (-want +got):\n%s", diff)
	}
}
