package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// What an event can have that makes it useless although it is about a write.
var (
	// ErrDamaged marks an event that is none.
	ErrDamaged = errors.New("this is no audit event")
	// ErrTruncated marks an event that the API server has cut, because it was too large.
	ErrTruncated = errors.New("the API server has cut the audit event")
	// ErrLongName marks an event whose names are longer than any that is given in earnest.
	ErrLongName = errors.New("the names in the audit event are too long")
)

// longestName bounds each name that is kept of an event.
const longestName = 1024

// writes are the verbs that change objects.
var writes = []string{"create", "update", "patch", "delete", "deletecollection"}

// Parse returns what one audit event proves. Most prove nothing, which is no error.
func Parse(text []byte) ([]Fact, error) {
	var e event
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if e.AuditID == "" || e.Stage == "" {
		return nil, fmt.Errorf("%w: it has no auditID or no stage", ErrDamaged)
	}
	if e.Stage != "ResponseComplete" || !slices.Contains(writes, e.Verb) || e.ObjectRef == nil || !e.succeeded() {
		return nil, nil
	}
	if e.Annotations["audit.k8s.io/truncated"] == "true" {
		return nil, ErrTruncated
	}
	if e.Received.IsZero() || e.At.Before(e.Received) {
		return nil, fmt.Errorf("%w: it does not say when it was", ErrDamaged)
	}

	query, err := e.query()
	if err != nil {
		return nil, err
	}
	if query.Has("dryRun") || e.dryRunInBody() {
		return nil, nil
	}
	fact := e.fact(query.Get("fieldManager"))
	for _, name := range []string{fact.ID, fact.Resource, fact.Namespace, fact.Name, fact.User, fact.Impersonated, fact.Replaced} {
		if len(name) > longestName {
			return nil, ErrLongName
		}
	}
	return e.prove(fact)
}

func (e *event) succeeded() bool {
	return e.ResponseStatus != nil && e.ResponseStatus.Code >= 200 && e.ResponseStatus.Code < 300
}

// query is of the URI of the request.
func (e *event) query() (url.Values, error) {
	uri, err := url.ParseRequestURI(e.RequestURI)
	if err != nil {
		return nil, fmt.Errorf("%w: its requestURI cannot be read", ErrDamaged)
	}
	query, err := url.ParseQuery(uri.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("%w: its requestURI cannot be read", ErrDamaged)
	}
	return query, nil
}

// dryRunInBody reports whether a deletion was only tried: its options can be in the body.
func (e *event) dryRunInBody() bool {
	var options struct {
		DryRun []string `json:"dryRun"`
	}
	if !strings.HasPrefix(e.Verb, "delete") || len(e.RequestObject) == 0 {
		return false
	}
	return json.Unmarshal(e.RequestObject, &options) != nil || len(options.DryRun) > 0
}

// fact is what all events say.
func (e *event) fact(manager string) Fact {
	f := Fact{
		ID: e.AuditID, Verb: e.Verb, Group: e.ObjectRef.APIGroup, Resource: e.ObjectRef.Resource, Subresource: e.ObjectRef.Subresource,
		Namespace: e.ObjectRef.Namespace, Name: e.ObjectRef.Name, Actor: Actor{User: e.User.Username}, Manager: manager,
		Received: e.Received, At: e.At, Blind: e.Level == "Metadata",
	}
	if e.ImpersonatedUser != nil {
		f.Impersonated = e.ImpersonatedUser.Username
	}
	if f.Manager == "" {
		f.Manager = managerOf(e.UserAgent)
	}
	if e.Verb == "update" && e.ObjectRef.ResourceVersion != "0" {
		f.Replaced = e.ObjectRef.ResourceVersion
	}
	if e.Verb == "patch" {
		f.Replaced = replacedBy(e.RequestObject)
	}
	f.Created = e.ResponseStatus.Code == 201
	return f
}

// longestManager is how long the name of a field manager can be.
const longestManager = 128

// managerOf is the field manager of a request that names none, made by API servers of what stands before the first slash
// of the user agent (k8s.io/apiserver/pkg/endpoints/handlers, prefixFromUserAgent).
func managerOf(agent string) string {
	agent, _, _ = strings.Cut(agent, "/")
	var name strings.Builder
	for _, r := range agent {
		if !unicode.IsPrint(r) {
			continue
		}
		if name.Len()+utf8.RuneLen(r) > longestManager {
			break
		}
		name.WriteRune(r)
	}
	return name.String()
}

// prove completes a fact with what the answer shows.
func (e *event) prove(f Fact) ([]Fact, error) {
	var answer object
	if len(e.ResponseObject) > 0 {
		if err := json.Unmarshal(e.ResponseObject, &answer); err != nil {
			return nil, fmt.Errorf("%w: its responseObject cannot be read", ErrDamaged)
		}
	}
	switch shown := answer.Metadata.UID != "" && answer.Metadata.ResourceVersion != ""; {
	case len(answer.Metadata.UID) > longestName || len(answer.Metadata.ResourceVersion) > longestName:
		return nil, ErrLongName
	case e.Verb == "deletecollection":
		return collected(f, answer), nil
	case e.Verb == "delete" && shown:
		return marked(f, answer), nil
	case e.Verb == "delete":
		return gone(f, e.ResponseStatus), nil
	case shown:
		return written(f, answer), nil
	case f.Subresource != "" && e.Verb == "create":
		return nil, nil // an eviction, a token, a shell: the object is not what was sent
	default:
		return []Fact{f}, nil
	}
}

// written is of a request that was answered with an object.
func written(f Fact, answer object) []Fact {
	f.of(answer.Metadata)
	if answer.Metadata.DeletionTimestamp != nil && !answer.waits() {
		f.Gone = true // the last finalizer was taken away
		return []Fact{f}
	}
	f.ResourceVersion = answer.Metadata.ResourceVersion
	if f.Replaced == f.ResourceVersion {
		return nil // nothing was changed
	}
	f.Certain = f.Created || f.Replaced != ""
	return []Fact{f}
}

// marked is of a deletion that was answered with the object.
func marked(f Fact, answer object) []Fact {
	f.of(answer.Metadata)
	deletion := answer.Metadata.DeletionTimestamp
	switch {
	case deletion == nil && answer.waits():
		return nil
	case !answer.waits():
		f.Gone = true
		return []Fact{f}
	}

	asked := deletion.Add(-answer.Metadata.grace())
	if asked.Before(f.Received.Truncate(time.Second)) || asked.After(f.At) {
		return nil // somebody had asked before
	}
	f.Marks, f.Certain, f.ResourceVersion = true, true, answer.Metadata.ResourceVersion
	return []Fact{f}
}

// gone is of a deletion that was answered with the uid of what had been there.
func gone(f Fact, status *responseStatus) []Fact {
	if status.Details == nil || status.Details.UID == "" || len(status.Details.UID) > longestName {
		return nil
	}
	f.UID, f.Gone = status.Details.UID, true
	return []Fact{f}
}

// collected is of a deletion of many, answered with what they were before.
func collected(f Fact, answer object) (facts []Fact) {
	for _, item := range answer.Items {
		m := item.Metadata
		if m.UID == "" || len(m.UID)+len(m.Name) > longestName || m.DeletionTimestamp != nil {
			continue
		}
		one := f
		one.of(m)
		one.Marks = len(m.Finalizers) > 0 || f.Resource == "pods" && f.Group == ""
		one.Gone = !one.Marks
		facts = append(facts, one)
	}
	return facts
}

// of takes over which object was answered.
func (f *Fact) of(m objectMeta) {
	f.UID = m.UID
	if m.Name != "" && len(m.Name) <= longestName {
		f.Name = m.Name
	}
}
