package kvstate_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
	"github.com/appbur/appbur/pkg/contract/kvstate"
)

func Example() {
	var store kvstate.Store
	notes := kvstate.Add[string](&store, kvstate.Dataset{Name: "notes", Schema: "1.0"})
	notes.Put("hello", "world")

	snapshot, err := store.Snapshot(context.Background())
	if err != nil {
		panic(err)
	}
	for row, err := range snapshot.Rows(context.Background(), "notes") {
		fmt.Println(string(row), err)
	}
	// Output:
	// {"key":"hello","value":"world"} <nil>
}

type limit struct {
	CPU  int8              `json:"cpu"`
	Tags map[string]string `json:"tags,omitempty"`
}

func filled() (*kvstate.Store, *kvstate.Map[limit], *kvstate.Map[string]) {
	store := new(kvstate.Store)
	names := kvstate.Add[string](store, kvstate.Dataset{Name: "names", Schema: "1.0", Clear: true})
	limits := kvstate.Add[limit](store, kvstate.Dataset{Name: "limits", Schema: "1.0"})
	names.Put("b", "ü<>&\u2028\n")
	names.Put("a", "")
	names.Put("", "the empty key")
	limits.Put("b", limit{CPU: 1, Tags: map[string]string{"z": "1", "y": "2"}})
	return store, limits, names
}

func TestContract(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	contracttest.Run(t, contracttest.Config{Start: contracttest.InProcess(func() (contract.App, contract.Options, error) {
		store, _, _ := filled()
		return store, contract.Options{ID: "kv", Version: "1", Datasets: store.Datasets()}, nil
	})})
}

func TestGetAllAndDelete(t *testing.T) {
	_, limits, names := filled()
	if v, ok := limits.Get("b"); !ok || v.CPU != 1 {
		t.Errorf("got %+v, %t", v, ok)
	}
	names.Delete("b")
	if _, ok := names.Get("b"); ok || len(names.All()) != 2 {
		t.Errorf("left %v", names.All())
	}
}

// TestOneMoment writes pairs that belong together while snapshots are taken.
func TestOneMoment(t *testing.T) {
	store, _, names := filled()
	var running sync.WaitGroup

	stop := make(chan struct{})
	running.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				names.Put("n", fmt.Sprint(i))
			}
		}
	})

	for range 100 {
		snapshot, err := store.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		first, second := read(t, snapshot.Rows(t.Context(), "names")), read(t, snapshot.Rows(t.Context(), "names"))
		if first != second {
			t.Fatalf("a snapshot changed from %s to %s", first, second)
		}
	}

	close(stop)
	running.Wait()
}

func read(t *testing.T, rows iter.Seq2[contract.Row, error]) string {
	t.Helper()
	var b strings.Builder
	for row, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
		b.Write(row)
	}
	return b.String()
}

func TestNothingShowsBeforeTheCommit(t *testing.T) {
	store, _, names := filled()
	tx, err := store.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = tx.Replace(t.Context(), "names", func(yield func(contract.Row, error) bool) { yield([]byte(`{"key":"k","value":"v"}`), nil) })
	if err != nil || len(names.All()) != 3 {
		t.Errorf("%v, %v", names.All(), err)
	}
	if err := tx.Commit(t.Context()); err != nil || len(names.All()) != 1 {
		t.Errorf("%v, %v", names.All(), err)
	}
	if err := tx.Replace(t.Context(), "others", nil); err == nil {
		t.Error("an unknown map was replaced")
	}
}

func TestRowsThatDoNotFit(t *testing.T) {
	const canary = "424242"
	for name, row := range map[string]string{
		"a value too large":  `{"key":"a","value":{"cpu":` + canary + `}}`,
		"an unknown field":   `{"key":"a","value":{"cpu":1,"more":"` + canary + `"}}`,
		"another field":      `{"key":"a","value":{"cpu":1},"more":"` + canary + `"}`,
		"another type":       `{"key":"a","value":"` + canary + `"}`,
		"a key that is none": `{"key":` + canary + `,"value":{}}`,
	} {
		store, limits, _ := filled()
		tx, err := store.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		err = tx.Replace(t.Context(), "limits", func(yield func(contract.Row, error) bool) { yield([]byte(row), nil) })
		if contract.ReasonOf(err) != contract.ReasonPayloadInvalid || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", name, err)
		}
		if len(limits.All()) != 1 {
			t.Errorf("%s: the map became %v", name, limits.All())
		}
	}

	store, limits, _ := filled()
	tx, err := store.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Replace(t.Context(), "limits",
		func(yield func(contract.Row, error) bool) { yield(nil, io.ErrUnexpectedEOF) }); !errors.Is(err, io.ErrUnexpectedEOF) ||
		len(limits.All()) != 1 {
		t.Errorf("got %v", err)
	}
}

func TestWhatCannotBeWritten(t *testing.T) {
	store := new(kvstate.Store)
	numbers := kvstate.Add[float64](store, kvstate.Dataset{Name: "numbers", Schema: "1.0"})
	for name, put := range map[string]func(){
		"not a number": func() { numbers.Put("a", math.NaN()) },
		"not UTF-8":    func() { numbers.Put("\xff", 1) },
	} {
		put()
		snapshot, err := store.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var last error
		for _, last = range snapshot.Rows(t.Context(), "numbers") {
		}
		if last == nil {
			t.Errorf("%s was written", name)
		}
		numbers.Delete("a")
		numbers.Delete("\xff")
	}
}
