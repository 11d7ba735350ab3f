package apps

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// printing is an application that has fingerprints.
type printing struct {
	contract.App
	token string
}

func (p *printing) Fingerprint(context.Context, string) ([]byte, error) { return []byte(p.token), nil }

// A mark is another one when the state has changed, and there is none of an application that cannot tell.
func TestAMarkChangesWithTheState(t *testing.T) {
	memory := contracttest.NewMemory(map[string][]contract.Row{"rows": {contract.Row(`{"id":1}`)}})
	at := func(app contract.App, version string) Target {
		address := serveAt(t, "unix://"+filepath.Join(t.TempDir(), "s"), app, contract.Options{Version: version})
		return Target{AppKey: appbur.AppKey{Namespace: "team", Name: "app"}, Address: address}
	}
	mark := func(target Target) string {
		t.Helper()
		text, err := Mark(t.Context(), Dialer{}, target)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}

	app := &printing{memory, "one"}
	target := at(app, "1.0.0")
	first := mark(target)
	if first == "" || mark(target) != first {
		t.Errorf("the same state has the marks %q and %q", first, mark(target))
	}
	some := target
	if some.Datasets = []string{"rows"}; mark(some) == first {
		t.Error("where other datasets are saved the mark is the same")
	}
	app.token = "two"
	if mark(target) == first {
		t.Error("another state has the same mark")
	}
	app.token = "one"
	if other := mark(at(app, "1.1.0")); other == first || !strings.Contains(other, "1.1.0") {
		t.Errorf("another version has the mark %q", other)
	}
	if text := mark(at(memory, "1.0.0")); text != "" {
		t.Errorf("an application without fingerprints has the mark %q", text)
	}
}
