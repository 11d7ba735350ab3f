//go:build integration

package postgres

import (
	"testing"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// TestContractKit runs the conformance kit over tables with keys of several types,
// a circle of references, and a sensitive table.
func TestContractKit(t *testing.T) {
	contracttest.Run(t, contracttest.Config{Start: contracttest.InProcess(func() (contract.App, contract.Options, error) {
		d := newDatabase(t, family, familyRows,
			`CREATE TABLE token (owner int REFERENCES parent, name text COLLATE "en-x-icu", secret bytea, PRIMARY KEY (name, owner))`,
			`INSERT INTO token SELECT 1 + i % 2, 'Token ' || i, convert_to(repeat('x', i), 'UTF8') FROM generate_series(1, 300) i`)
		a := d.adapter("child", "parent", "{table: token}")
		// There are more cases than connections.
		if err := d.conn.Close(t.Context()); err != nil {
			return nil, contract.Options{}, err
		}
		return a, contract.Options{ID: "family", Version: "1.0", Datasets: a.Datasets()}, nil
	})})
}
