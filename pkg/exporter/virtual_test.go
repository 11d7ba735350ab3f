package exporter

import (
	"testing"

	"github.com/appbur/appbur"
)

// A metrics server that is down does not make a backup partial; any other
// aggregated API that is down does, because objects may lie behind it.
func TestMarkVirtual(t *testing.T) {
	failed := []appbur.GroupFailure{{GroupVersion: "custom.metrics.k8s.io/v1beta1"}, {GroupVersion: "storage.example.com/v1"}}
	markVirtual(failed)
	if !failed[0].Virtual || failed[1].Virtual {
		t.Errorf("%+v", failed)
	}
	if c := (appbur.Coverage{Groups: failed[:1]}); !c.Complete() {
		t.Error("a virtual group counts as a hole")
	}
	if c := (appbur.Coverage{Groups: failed}); c.Complete() {
		t.Error("a real group does not count as a hole")
	}
}
