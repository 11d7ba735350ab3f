package main

import (
	"testing"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

func TestContract(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	contracttest.Run(t, contracttest.Config{Start: contracttest.InProcess(func() (contract.App, contract.Options, error) {
		store := newStore()
		return store, contract.Options{ID: "shortest", Version: "1.0.0", Datasets: store.Datasets()}, nil
	})})
}
