package contract_test

import (
	"context"
	"slices"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
)

// numbered is an application whose rows are numbered by a counter.
type numbered struct {
	contract.App
	next      string
	continued []appbur.Position
}

type numberedSnapshot struct {
	contract.Snapshot
	app *numbered
}

type numberedTransaction struct {
	contract.Transaction
	app *numbered
}

func (n *numbered) Snapshot(ctx context.Context) (contract.Snapshot, error) {
	s, err := n.App.Snapshot(ctx)
	return numberedSnapshot{s, n}, err
}

func (n *numbered) Begin(ctx context.Context) (contract.Transaction, error) {
	tx, err := n.App.Begin(ctx)
	return numberedTransaction{tx, n}, err
}

func (s numberedSnapshot) Positions(context.Context, string) ([]appbur.Position, error) {
	return []appbur.Position{{Field: "id", Counter: "c", Next: s.app.next}}, nil
}

func (tx numberedTransaction) Continue(_ context.Context, _ string, positions []appbur.Position) error {
	tx.app.continued = positions
	return nil
}

// Positions are sent next to the payload, which they do not change; an application without
// counters says that it does not take them.
func TestPositionsTravelBesideThePayload(t *testing.T) {
	app := &numbered{App: memory(row(`{"id":1}`)), next: "18446744073709551616"}
	client := start(t, app, notes())
	exported, payloads, err := export(t, client)
	if err != nil {
		t.Fatal(err)
	}
	want := []appbur.Position{{Field: "id", Counter: "c", Next: "18446744073709551616"}}
	if got := exported.Datasets[0].Positions; !slices.Equal(got, want) {
		t.Errorf("exported positions are %v, want %v", got, want)
	}
	if exported.Datasets[0].Digest != appbur.DigestOf([]byte(payloads["notes"])) {
		t.Error("positions changed the digest of the payload")
	}

	saved := source("notes", "1.0", payloads["notes"])
	saved.Positions = want
	result, err := client.Import(t.Context(), request(t, saved))
	if err != nil || len(result.Warnings) > 0 || !slices.Equal(app.continued, want) {
		t.Errorf("it continues at %v, want %v (%v, %q)", app.continued, want, err, result.Warnings)
	}
	result, err = start(t, memory(), notes()).Import(t.Context(), request(t, saved))
	if err != nil || len(result.Warnings) != 1 {
		t.Errorf("an application without counters says %q (%v), want a warning", result.Warnings, err)
	}

	saved.Positions = []appbur.Position{{Field: "id", Next: "7; DROP TABLE notes"}}
	_, err = client.Import(t.Context(), request(t, saved))
	wantReason(t, err, contract.ReasonInvalidRequest)
	app.next = "many"
	_, _, err = export(t, client)
	wantReason(t, err, contract.ReasonAppFailed)
}
