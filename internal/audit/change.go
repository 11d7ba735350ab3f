package audit

import (
	"slices"
	"time"
)

// How a change was seen. The zero value is the one that proves least.
const (
	// Listed is a version that a list found: there may have been others before it.
	Listed = ""
	// Added, Modified and Deleted are single events of a watch: nothing happened to the object between this version
	// and the one before.
	Added    = "ADDED"
	Modified = "MODIFIED"
	Deleted  = "DELETED"
)

// Change is what was seen of an object and wants an author.
type Change struct {
	// Tag is what whoever asks knows it by. It is given back and means nothing here.
	Tag string
	// Event is how it was seen.
	Event string
	// Group and Kind are of the object. Resource is the plural name of its type; it may be "".
	Group, Kind, Resource string
	Namespace, Name       string
	UID                   string
	// ResourceVersion is of the object as it was seen. Of a deletion it is not needed.
	ResourceVersion string
	// PreviousResourceVersion is of the object as it was seen before, "" if it was not or that is not known.
	PreviousResourceVersion string
	// Managers are all entries of managedFields of the object as it was seen.
	Managers []Manager
	// Seen is when it was seen.
	Seen time.Time

	// recalled: another process saw it, and Managers are only the entries that the version before did not have.
	recalled bool
}

// key tells changes apart.
func (c Change) key() string {
	key := c.UID + "/" + c.Namespace + "/" + c.Name + "/" + c.ResourceVersion + "/" + c.Event
	if c.recalled {
		key += "/recalled"
	}
	return key
}

// shows reports whether the field manager of a request has an entry of just its time. Both times are of the clock of the
// API server that served the request.
func (c Change) shows(f Fact) bool {
	return slices.ContainsFunc(c.Managers, func(m Manager) bool { return m.wrote(f) })
}

// wrote reports whether an entry can be of a request. managedFields have whole seconds.
func (m Manager) wrote(f Fact) bool {
	return m.Name == f.Manager && f.Manager != "" && m.Subresource == f.Subresource &&
		(m.Operation == "Update" || f.Verb == "patch") && m.within(f)
}

// within reports whether an entry is of the time of a request.
func (m Manager) within(f Fact) bool {
	return !m.Time.IsZero() && !m.Time.Before(f.Received.Truncate(time.Second)) && !m.Time.After(f.At)
}

// newest are the entries of the last write that set a field.
func (c Change) newest() (newest []Manager) {
	for _, m := range c.Managers {
		switch {
		case m.Time.IsZero():
		case len(newest) == 0 || m.Time.After(newest[0].Time):
			newest = []Manager{m}
		case m.Time.Equal(newest[0].Time):
			newest = append(newest, m)
		}
	}
	return newest
}
