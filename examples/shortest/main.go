// Command shortest is the application of ../smallest again, with its state in a map
// that appbur knows how to save and restore.
package main

import (
	"context"
	"log"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/kvstate"
)

func newStore() *kvstate.Store {
	store := new(kvstate.Store)
	notes := kvstate.Add[string](store, kvstate.Dataset{Name: "notes", Schema: "1.0"})
	notes.Put("hello", "world")
	return store
}

func main() {
	store := newStore()
	log.Fatal(contract.ListenAndServe(context.Background(), "unix:///tmp/shortest.sock", store,
		contract.Options{ID: "shortest", Version: "1.0.0", Datasets: store.Datasets()}))
}
