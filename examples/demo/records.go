//go:build unix

package main

import (
	"fmt"

	"github.com/appbur/appbur"
)

// records are the rows of one dataset before and after.
type records struct {
	dataset              string
	oldSchema, newSchema string
	oldRows, newRows     int64
}

// pair matches the datasets of the application in both clusters by their names.
func pair(before, after []appbur.AppState) ([]records, error) {
	found := map[string]appbur.Dataset{}
	for _, app := range after {
		for _, d := range app.Datasets {
			found[app.String()+"/"+d.Name] = d
		}
	}

	var pairs []records
	for _, app := range before {
		for _, d := range app.Datasets {
			now, ok := found[app.String()+"/"+d.Name]
			if !ok {
				return nil, fmt.Errorf("the new application has no dataset %s", d.Name)
			}
			pairs = append(pairs, records{
				dataset: d.Name, oldSchema: d.Schema, newSchema: now.Schema, oldRows: d.Rows, newRows: now.Rows,
			})
		}
	}

	return pairs, nil
}

// compareRecords shows what became of the application's records, and fails when
// some are missing.
func (s *stage) compareRecords() error {
	pairs, err := pair(s.saved, s.restored)
	if err != nil {
		return err
	}
	s.say("\n%-24s %18s %18s", "records", "old application", "new application")
	for _, r := range pairs {
		s.say("%-24s %10d (v%s) %10d (v%s)", r.dataset, r.oldRows, r.oldSchema, r.newRows, r.newSchema)
		if r.oldRows == 0 {
			return fmt.Errorf("the old application has no %s", r.dataset)
		}
		if r.oldRows != r.newRows {
			return fmt.Errorf("of %d %s in the old application, %d are in the new one", r.oldRows, r.dataset, r.newRows)
		}
	}
	s.proved("every record has arrived, in the schemas that version 2 writes")
	return nil
}
