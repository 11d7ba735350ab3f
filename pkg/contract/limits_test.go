package contract_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/appbur/appbur/pkg/contract"
)

func TestLongestRow(t *testing.T) {
	const limit = 100
	fits := `{"id":1,"text":"` + strings.Repeat("x", limit-len(`{"id":1,"text":""}`)) + `"}`
	long := strings.Replace(fits, "x", "xx", 1)

	huge := `{"id":1,"text":"` + strings.Repeat("x", 1<<20) + `"}`
	for name, test := range map[string]struct {
		text string
		ok   bool
	}{"it fits": {fits, true}, "one byte more": {long, false}, "many more": {huge, false}} {
		t.Run(name, func(t *testing.T) {
			o := notes()
			o.MaxRowBytes = limit
			client := start(t, memory(), o)
			info, err := client.Info(t.Context())
			if err != nil || info.Limits.MaxRowBytes != limit {
				t.Errorf("limits %+v, %v", info.Limits, err)
			}
			_, err = client.Import(t.Context(), request(t, source("notes", "1.0", test.text+"\n")))
			if test.ok {
				if err != nil {
					t.Error(err)
				}
			} else if e := wantReason(t, err, contract.ReasonTooLarge); e.Metadata["row"] != "1" {
				t.Errorf("it says %v", e.Metadata)
			}
			_, _, err = export(t, start(t, memory(row("%s", test.text)), o))
			if test.ok {
				if err != nil {
					t.Error(err)
				}
			} else if e := wantReason(t, err, contract.ReasonTooLarge); e.Metadata["row"] != "1" {
				t.Errorf("it says %v", e.Metadata)
			}
		})
	}
}

// TestUpcastMakesARowTooLong: what the next export could not write is not taken.
func TestUpcastMakesARowTooLong(t *testing.T) {
	o := notes()
	o.MaxRowBytes = 40
	o.Datasets[0].Schema = "2.0"
	o.Datasets[0].Upcasts = []contract.Upcast{{From: "1.0", To: "2.0", Changes: []contract.Change{
		{Op: contract.OpAdd, Path: "/more", Value: json.RawMessage(`"` + strings.Repeat("x", 40) + `"`)},
	}}}
	_, err := start(t, memory(), o).Import(t.Context(), request(t, source("notes", "1.0", "{\"id\":1}\n")))
	wantReason(t, err, contract.ReasonTooLarge)
}

func TestVerificationsAreLimited(t *testing.T) {
	o := notes()
	o.MaxExports = 1
	begun, goOn := make(chan struct{}), make(chan struct{})
	app := &scripted{App: memory(), rows: func(yield func(contract.Row, error) bool) {
		begun <- struct{}{}
		<-goOn
		yield(row(`{"id":1}`), nil)
	}}
	client := start(t, app, o)
	first := make(chan error, 1)
	go func() {
		_, err := client.Verify(t.Context())
		first <- err
	}()

	<-begun
	_, err := client.Verify(t.Context())
	if e := wantReason(t, err, contract.ReasonTooManyOperations); !e.Retryable {
		t.Error("it will go away and is not marked so")
	}
	close(goOn)
	if err := <-first; err != nil {
		t.Error(err)
	}
	go func() { <-begun }()
	if _, err := client.Verify(t.Context()); err != nil {
		t.Errorf("after the first one ended: %v", err)
	}
}
