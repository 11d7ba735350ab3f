package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/appbur/appbur"
)

// Entry is what was taken out of one manifest because it is true of one cluster
// only, and what a restore may want back.
type Entry struct {
	// UID is the identity that owner references point at.
	UID string `json:"uid,omitempty"`
	// Created is when the cluster created the object.
	Created time.Time `json:"created,omitzero"`
	// Owners are the owner references, whose uids a restore replaces.
	Owners []Owner `json:"owners,omitempty"`
	// Finalizers are those that a built-in controller puts back by itself and that
	// were therefore taken out. Other finalizers stay in the manifest.
	Finalizers []string `json:"finalizers,omitempty"`
	// Managers says who wrote the object through which API version. It is the only
	// evidence in a cluster of the versions that its clients use.
	Managers []Manager `json:"managers,omitempty"`
	// Status is the status of a custom resource, as JSON. The status of a built-in
	// object is computed again and therefore not kept.
	Status json.RawMessage `json:"status,omitempty"`
	// Versions are those of a CustomResourceDefinition; see [Entry.CustomVersions].
	Versions *CustomVersions `json:"versions,omitempty"`
	// Fields holds every other value that a rule took out and that is not noise, by
	// its path, as JSON: "spec.clusterIP", "spec.ports[0].nodePort",
	// "spec.volumeName", "spec.claimRef.uid", "status.storedVersions". Numbers are the
	// positions that elements have when manifest and entry are put together again.
	Fields map[string]json.RawMessage `json:"fields,omitempty"`
	// Withheld are the paths of secret values that rules took out of the manifest and
	// that are not in the entry either, sorted. The index is not sealed, so a secret
	// must not get into it.
	Withheld []string `json:"withheld,omitempty"`
}

// Owner is one owner reference.
type Owner struct {
	APIVersion         string `json:"apiVersion"`
	Kind               string `json:"kind"`
	Name               string `json:"name"`
	UID                string `json:"uid"`
	Controller         *bool  `json:"controller,omitempty"`
	BlockOwnerDeletion *bool  `json:"blockOwnerDeletion,omitempty"`
}

// Manager is one field manager's last write.
type Manager struct {
	Manager     string    `json:"manager"`
	Operation   string    `json:"operation"`
	APIVersion  string    `json:"apiVersion"`
	Subresource string    `json:"subresource,omitempty"`
	Time        time.Time `json:"time,omitzero"`
	// Fields are those that an apply owns, in the form of managedFields (FieldsV1), so
	// that a restore can give them back. Names of fields are no secrets; a set of secret
	// values is not kept. Those of appbur itself are not needed.
	Fields json.RawMessage `json:"fields,omitempty"`
}

// Field decodes the value that was taken out at path into target, which is a
// pointer. It reports whether there is such a value.
func (e Entry) Field(path string, target any) (bool, error) {
	raw, ok := e.Fields[path]
	if !ok {
		return false, nil
	}
	if err := json.Unmarshal(raw, target); err != nil {
		return true, fmt.Errorf("index field %s: %w", path, err)
	}
	return true, nil
}

// VolumeName returns the volume that a claim was bound to, "" for other objects.
func (e Entry) VolumeName() (string, error) {
	var name string
	_, err := e.Field("spec.volumeName", &name)
	return name, err
}

// harvest reads the parts of an entry that are there whatever the rules say.
func harvest(o *object) (Entry, error) {
	var e Entry
	e.UID, _ = o.metadata["uid"].(string)
	var err error
	if e.Created, err = timeIn(o.metadata["creationTimestamp"]); err != nil {
		return Entry{}, fmt.Errorf("metadata.creationTimestamp: %w", err)
	}
	for _, owner := range o.owners() {
		e.Owners = append(e.Owners, ownerOf(owner))
	}

	for _, fields := range o.managedFields() {
		var m Manager
		m.Manager, _ = fields["manager"].(string)
		m.Operation, _ = fields["operation"].(string)
		m.APIVersion, _ = fields["apiVersion"].(string)
		m.Subresource, _ = fields["subresource"].(string)
		if m.Time, err = timeIn(fields["time"]); err != nil {
			return Entry{}, fmt.Errorf("metadata.managedFields of %s: %w", m.Manager, err)
		}
		if m.Operation == "Apply" && m.Subresource == "" && m.Manager != appbur.FieldManager {
			if m.Fields, err = compactJSON(fields["fieldsV1"]); err != nil {
				return Entry{}, fmt.Errorf("metadata.managedFields of %s: %w", m.Manager, err)
			}
		}
		e.Managers = append(e.Managers, m)
	}

	e.Versions = versionsOf(o)
	return e, nil
}

// withoutSetValues leaves out the fields of managers that hold values, which are those of
// sets ("v:"), from an object that has secret ones.
func (e *Entry) withoutSetValues() {
	for i := range e.Managers {
		if bytes.Contains(e.Managers[i].Fields, []byte(`"v:`)) {
			e.Managers[i].Fields = nil
		}
	}
}

func ownerOf(reference map[string]any) Owner {
	var o Owner
	o.APIVersion, _ = reference["apiVersion"].(string)
	o.Kind, _ = reference["kind"].(string)
	o.Name, _ = reference["name"].(string)
	o.UID, _ = reference["uid"].(string)
	if controller, ok := reference["controller"].(bool); ok {
		o.Controller = &controller
	}
	if block, ok := reference["blockOwnerDeletion"].(bool); ok {
		o.BlockOwnerDeletion = &block
	}
	return o
}

// keep records a value that an indexed rule took out, without what is secret in it.
func (e *Entry) keep(t Taken, secret [][]string) error {
	if t.Rule.As == asFinalizers {
		if name, ok := t.Value.(string); ok {
			e.Finalizers = append(e.Finalizers, name)
			return nil
		}
	}
	value := t.Value

	if len(secret) > 0 {
		keys, inList := t.way.mapKeys()
		left, withheld, ok := public(value, keys, inList, secret)
		e.withhold(withheld)
		if !ok {
			return nil
		}
		value = left
	}

	raw, err := compactJSON(value)
	if err != nil {
		return fmt.Errorf("%s: %w", t.Path, err)
	}
	if t.Rule.As == asStatus {
		e.Status = raw
		return nil
	}
	if e.Fields == nil {
		e.Fields = make(map[string]json.RawMessage)
	}
	e.Fields[t.Path] = raw
	return nil
}

func (e *Entry) withhold(paths []string) {
	e.Withheld = append(e.Withheld, paths...)
	slices.Sort(e.Withheld)
	e.Withheld = slices.Compact(e.Withheld)
}

// harvested reports whether the part of an entry is read from the object whatever the
// rules say, so that there is nothing to keep.
func harvested(as string) bool { return as == asUID || as == asCreated || as == asOwners }

// The parts of an entry that a field rule can name in As.
const (
	asUID        = "uid"
	asCreated    = "created"
	asOwners     = "owners"
	asFinalizers = "finalizers"
	asStatus     = "status"
)

// timeIn reads the time that the API server writes; an absent time is zero.
func timeIn(value any) (time.Time, error) {
	text, _ := value.(string)
	if text == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.RFC3339Nano, text)
}

// compactJSON encodes without the escapes that JSON needs inside HTML only.
func compactJSON(value any) (json.RawMessage, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
