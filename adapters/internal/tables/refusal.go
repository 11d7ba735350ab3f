package tables

import (
	"errors"
	"strconv"

	"github.com/appbur/appbur/pkg/contract"
)

// Refused says in the terms of the contract that a payload of a dataset does not fit its table.
func Refused(err error, dataset string) error {
	e := contract.NewError(contract.ReasonPayloadInvalid, "%w", err).With("dataset", dataset)
	var row *RowError
	if errors.As(err, &row) {
		e = e.With("row", strconv.FormatInt(row.Row, 10))
		if row.Column != "" {
			e = e.With("column", row.Column)
		}
	}
	return e
}

// UnknownDataset is about a dataset that was never announced.
func UnknownDataset(name string) error {
	return contract.NewError(contract.ReasonUnknownDataset, "no table is configured for dataset %q", name)
}
