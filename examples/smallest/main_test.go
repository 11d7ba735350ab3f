package main

import (
	"testing"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

func TestContract(t *testing.T) {
	contracttest.Run(t, contracttest.Config{Start: contracttest.InProcess(func() (contract.App, contract.Options, error) {
		a := new(app)
		a.now.Store(&notes{"hello": "world", "a <b> & \"c\"": "ü\u2028\n", "zz": ""})
		return a, options, nil
	})})
}
