package exporter

import (
	"errors"
	"maps"
	"slices"

	"github.com/appbur/appbur"
)

// unsaved are the objects of a type that exist and could not be saved, with the
// reason.
type unsaved map[appbur.ObjectID]string

// take looks at what became of one object and reports whether that is news. Errors
// that are not about the object alone come back.
func (u unsaved) take(id appbur.ObjectID, err error) (news bool, fatal error) {
	known, failed := u[id]
	var one *appbur.ObjectError
	switch {
	case err == nil:
		delete(u, id)
		return failed, nil
	case errors.As(err, &one):
		reason := reasonOf(one.Err)
		u[id] = reason
		return known != reason, nil
	default:
		return false, err
	}
}

// describe writes down in a coverage how many there are and which.
func (u unsaved) describe(c *appbur.TypeCoverage) {
	c.Failed, c.Unsaved = len(u), nil
	ids := slices.SortedFunc(maps.Keys(u), appbur.ObjectID.Compare)
	for _, id := range ids[:min(len(ids), appbur.MostUnsaved)] {
		c.Unsaved = append(c.Unsaved, appbur.Unsaved{Namespace: id.Namespace, Name: id.Name, Reason: u[id]})
	}
}
