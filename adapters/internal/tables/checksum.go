package tables

import (
	"bytes"
	"hash/maphash"
)

// Checksum sums up rows column by column, so that rows which were written can be
// compared with the rows that a table then holds, without keeping either. Rows
// must come in the same order on both sides.
type Checksum struct {
	columns []Column
	sums    []maphash.Hash
	rows    int64
	buffer  []byte
}

// seed is shared by all checksums of a process, so that they can be compared.
// They are never stored.
var seed = maphash.MakeSeed()

// NewChecksum starts a sum over rows of these columns.
func NewChecksum(columns []Column) *Checksum {
	c := &Checksum{columns: columns, sums: make([]maphash.Hash, len(columns))}
	for i := range c.sums {
		c.sums[i].SetSeed(seed)
	}
	return c
}

// Add sums up one row of server texts; nil is NULL. Each text is brought into the
// payload's form first, so that two spellings of one value count as one.
func (c *Checksum) Add(values [][]byte) error {
	c.rows++
	for i, value := range values {
		if value == nil {
			_ = c.sums[i].WriteByte(0)
			continue
		}
		form := c.columns[i].Form
		text := value
		switch form {
		case Text, Bytes:
		case Decimal:
			text = trimScale(value)
		default:
			var err error
			if c.buffer, err = form.Append(c.buffer[:0], value); err != nil {
				return err
			}
			text = c.buffer
		}
		// A length in front keeps "a","bc" apart from "ab","c".
		maphash.WriteComparable(&c.sums[i], len(text)+1)
		_, _ = c.sums[i].Write(text)
	}

	return nil
}

// trimScale drops the zeros at the end of a decimal's fraction.
func trimScale(text []byte) []byte {
	if bytes.IndexByte(text, '.') < 0 || bytes.IndexByte(text, 'e') >= 0 {
		return text
	}
	return bytes.TrimSuffix(bytes.TrimRight(text, "0"), []byte("."))
}

// Rows returns how many rows were summed up.
func (c *Checksum) Rows() int64 { return c.rows }

// Differs returns the first column in which two sums over the same columns
// differ, or "".
func (c *Checksum) Differs(other *Checksum) string {
	for i := range c.sums {
		if c.sums[i].Sum64() != other.sums[i].Sum64() {
			return c.columns[i].Name
		}
	}
	return ""
}
