//go:build integration

package mysql

import (
	"testing"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// TestContractKit runs the conformance kit over tables with keys of several types,
// a circle of references, and a sensitive table.
func TestContractKit(t *testing.T) {
	contracttest.Run(t, contracttest.Config{Start: contracttest.InProcess(func() (contract.App, contract.Options, error) {
		d := newDatabase(t, append(append([]string{}, family...), familyRows...)...)
		d.exec(`CREATE TABLE token (owner int, name varchar(50) COLLATE utf8mb4_unicode_ci, secret blob, PRIMARY KEY (name, owner), FOREIGN KEY (owner) REFERENCES parent (id))`,
			`INSERT INTO token SELECT 1 + seq % 2, CONCAT('Token ', seq), REPEAT('x', seq) FROM seq_1_to_300`)
		a := d.adapter("child", "parent", "{table: token}")
		return a, contract.Options{ID: "family", Version: "1.0", Datasets: a.Datasets()}, nil
	})})
}
