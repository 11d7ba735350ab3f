package tables

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/appbur/appbur"
)

// KeyColumns returns the columns of a key, in the order of all columns.
func KeyColumns(columns []Column, key []string) []Column {
	return slices.DeleteFunc(slices.Clone(columns), func(c Column) bool { return !slices.Contains(key, c.Name) })
}

// KeyValues returns the values of a row that are in columns of a key, in the order of all columns.
func KeyValues(columns []Column, key []string, values [][]byte) [][]byte {
	var found [][]byte
	for i, c := range columns {
		if slices.Contains(key, c.Name) {
			found = append(found, values[i])
		}
	}
	return found
}

// UniqueIndexes chooses the key of a table from its unique indexes.
type UniqueIndexes struct {
	configured []string
	primary    []string
	fits       map[string]bool // by index: all its columns are NOT NULL and in the configured key
}

// NewUniqueIndexes begins with the key that the configuration names, or with none.
func NewUniqueIndexes(configured []string) *UniqueIndexes {
	return &UniqueIndexes{configured: configured, fits: map[string]bool{}}
}

// Add takes the next column of an index. One that identifies is NOT NULL, and in the index with its complete value.
func (x *UniqueIndexes) Add(index, column string, primary, identifies bool) {
	if primary {
		x.primary = append(x.primary, column)
	}
	fit, seen := x.fits[index]
	x.fits[index] = (fit || !seen) && identifies && slices.Contains(x.configured, column)
}

// Key returns the configured key if an index says that it is unique, and without one the primary key.
func (x *UniqueIndexes) Key() ([]string, error) {
	if len(x.configured) == 0 {
		if len(x.primary) == 0 {
			return nil, appbur.WithHint(errors.New("it has no primary key"),
				"name columns that are NOT NULL and unique together with key: in the configuration")
		}
		return x.primary, nil
	}

	for _, fit := range x.fits {
		if fit {
			return x.configured, nil
		}
	}
	return nil, fmt.Errorf("the key (%s) is not unique: no unique index over NOT NULL columns is part of it", strings.Join(x.configured, ", "))
}
