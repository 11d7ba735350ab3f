// Command smallest is the smallest application that appbur saves and restores: notes.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"log"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/appbur/appbur/pkg/contract"
)

type (
	notes map[string]string // text by name; never changed once it is stored
	app   struct{ now, next atomic.Pointer[notes] }
	note  struct{ Name, Text string }
)

func (a *app) Snapshot(context.Context) (contract.Snapshot, error) { return *a.now.Load(), nil }
func (a *app) Begin(context.Context) (contract.Transaction, error) { return a, nil } // one at a time

func (n notes) Rows(context.Context, string) iter.Seq2[contract.Row, error] {
	return func(yield func(contract.Row, error) bool) {
		for _, name := range slices.Sorted(maps.Keys(n)) {
			if !yield(json.Marshal(note{name, n[name]})) {
				return
			}
		}
	}
}
func (notes) Close() error { return nil }

func (a *app) Replace(_ context.Context, _ string, rows iter.Seq2[contract.Row, error]) error {
	next := notes{}
	for row, err := range rows {
		var n note
		if err = errors.Join(err, json.Unmarshal(row, &n)); err != nil {
			return err
		}
		next[n.Name] = n.Text
	}
	a.next.Store(&next)
	return nil
}
func (a *app) Commit(context.Context) error { a.now.Store(a.next.Load()); return nil }
func (*app) Rollback(context.Context) error { return nil }

var options = contract.Options{
	ID: "smallest", Version: "1.0.0",
	Datasets: []contract.Dataset{{
		Name: "notes", Schema: "1.0", Key: []string{"Name"}, Fields: []string{"Name", "Text"},
		UnknownFields: contract.RefuseUnknown,
	}},
}

func main() {
	a := new(app)
	a.now.Store(&notes{"hello": "world"})
	log.Fatal(contract.ListenAndServe(context.Background(), "unix:///tmp/smallest.sock", a, options))
}
