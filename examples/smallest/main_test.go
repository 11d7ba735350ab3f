package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

func TestContract(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	contracttest.Run(t, contracttest.Config{Start: contracttest.InProcess(func() (contract.App, contract.Options, error) {
		a := new(app)
		held := notes{"hello": "world", "a <b> & \"c\"": "ü\u2028\n", "zz": ""}
		for i := range 300 { // some cases need streams that do not fit into a buffer
			held[fmt.Sprintf("note %d", i)] = strings.Repeat("text ", i%40)
		}
		a.now.Store(&held)
		return a, options, nil
	})})
}
