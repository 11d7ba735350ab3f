package audit

import (
	"strconv"
	"time"
)

// Actor is who made a request.
type Actor struct {
	// User is who was authenticated.
	User string
	// Impersonated is who the request was made in the name of, "" if User acted in its own.
	Impersonated string
}

// String names the actor in printable text.
func (a Actor) String() string {
	if a.Impersonated == "" {
		return printable(a.User)
	}
	return printable(a.User) + " as " + printable(a.Impersonated)
}

// printable quotes a name that could be taken for something else.
func printable(name string) string {
	if quoted := strconv.QuoteToGraphic(name); quoted != `"`+name+`"` || name == "" {
		return quoted
	}
	return name
}

// Fact is what one audit event proves: who made which successful write. An event about many objects makes a fact for
// each.
type Fact struct {
	// ID is the auditID of the event.
	ID string
	// Verb is create, update, patch, delete or deletecollection.
	Verb string
	// Group, Resource, Subresource, Namespace and Name are what the request was about; Name can be "" where the event
	// does not say it.
	Group, Resource, Subresource, Namespace, Name string
	// UID is of the object, "" if the event does not say it.
	UID string
	// ResourceVersion is of the object after the request, "" if the event does not say it.
	ResourceVersion string
	// Replaced is the version that the request insisted to replace, "" if it did not.
	Replaced string
	Actor
	// Manager is the field manager that the request wrote as.
	Manager string
	// Received is when the API server got the request, At when it had answered.
	Received, At time.Time

	// Certain: the event alone proves that this request, and no other, wrote ResourceVersion.
	Certain bool
	// Created: the object did not exist before.
	Created bool
	// Marks: the request asked for the deletion of the object, which then had to wait for finalizers or a grace period.
	Marks bool
	// Gone: the object did not exist any more afterwards.
	Gone bool
	// Blind: the event does not show the body of the request. A deletion may have been a dry run.
	Blind bool
}

// key tells facts apart. The auditID alone does not: clients can choose it.
func (f Fact) key() string {
	return f.ID + "/" + f.UID + "/" + f.User + "/" + f.At.Format(time.RFC3339Nano)
}

// Manager is an entry of managedFields.
type Manager struct {
	Name string `json:"name"`
	// Operation is Apply or Update.
	Operation   string    `json:"operation"`
	Subresource string    `json:"subresource,omitempty"`
	Time        time.Time `json:"time"`
}
