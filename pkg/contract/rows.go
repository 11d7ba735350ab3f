package contract

import "iter"

// EncodeRows makes a row of each record, for codecs that know records of their own.
// It ends after the first error.
func EncodeRows[T any](records iter.Seq2[T, error], encode func(T) (Row, error)) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for record, err := range records {
			var row Row
			if err == nil {
				row, err = encode(record)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// DecodeRows makes a record of each row. A row that does not fit is an error of the
// payload that says which row of the dataset it is. It ends after the first error.
func DecodeRows[T any](dataset string, rows iter.Seq2[Row, error], decode func(Row) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		n := int64(0)
		for row, err := range rows {
			n++
			var record T
			if err == nil {
				if record, err = decode(row); err != nil {
					err = rowError(ReasonPayloadInvalid, dataset, n, err)
				}
			}
			if !yield(record, err) || err != nil {
				return
			}
		}
	}
}
