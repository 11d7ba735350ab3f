package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"slices"
)

// MediaType is how the payload of a row dataset is written: one canonical JSON
// object per line, every line ended by a line feed.
const MediaType = "application/x-ndjson"

// Dataset is one named part of an application's state.
type Dataset struct {
	// Name is a DNS label. It never changes once a release wrote it.
	Name string
	// Description says in one sentence what the rows are, for people.
	Description string
	// Schema is the version MAJOR.MINOR that exports are written in.
	Schema string
	// Reads is the range of schemas that imports accept, for example
	// ">= 1.0, < 3.0". Empty means Schema and every version that Upcasts start at.
	Reads string
	// Key names the top-level fields that identify a row and order the dataset. It
	// is empty for opaque datasets only.
	Key []string
	// MediaType is empty for rows. Any other type, for example
	// "application/x-tar", makes the dataset opaque: its payload is bytes that only
	// the application reads, through [OpaqueSnapshot] and [OpaqueTransaction]. Rows
	// are better: they are ordered, checked, compared, upcast, and stored by what
	// changed.
	MediaType string
	// Fields names the top-level fields of a row of Schema. When it is empty the
	// package does not look for others.
	Fields []string
	// UnknownFields says what an import does with fields that Fields does not name.
	UnknownFields UnknownFields
	// Required says that a restore without this dataset is of no use.
	Required bool
	// Clear says that anybody who can read the repository may read the rows. Rows of
	// any other dataset are sensitive: encrypted where they are stored, and never
	// quoted in errors or logs. It is not the usual, because a backup outlives the
	// care of those who made it, and what was once stored in clear stays readable.
	Clear bool
	// DependsOn names the datasets that this one refers to. They are exported and
	// imported before it.
	DependsOn []string
	// Upcasts are the steps that bring older rows to Schema, one per version.
	Upcasts []Upcast
	// Defaults are the top-level fields that may be missing from rows of a payload, whatever its
	// schema: a newer release of the application added them.
	Defaults []FieldDefault
}

// FieldDefault is the value of a field that is missing from a row of a payload.
type FieldDefault struct {
	Field string
	// Value is put into the row before the application gets it. It is nil when it
	// cannot be predicted what the application will fill in, such as the time; then the row
	// stays as it is, and a comparison leaves the field out.
	Value json.RawMessage
}

// Sensitive reports whether rows are encrypted where they are stored.
func (d Dataset) Sensitive() bool { return !d.Clear }

// UnknownFields is a policy for fields of rows that a schema does not name.
type UnknownFields int

// The policies.
const (
	// KeepUnknown stores them as they are. It is the policy of a dataset without
	// Fields.
	KeepUnknown UnknownFields = iota
	// ReportUnknown leaves them out and reports them as dropped.
	ReportUnknown
	// RefuseUnknown makes the payload invalid.
	RefuseUnknown
)

// Upcast is one frozen step from an older schema to a later one. It is never
// edited after a release: the next change is the next step.
type Upcast struct {
	// From and To are schema versions MAJOR.MINOR; To is the later one.
	From, To string
	// Row turns one row into its later form. Numbers arrive as [json.Number], so
	// that 64-bit integers keep all digits. It may change and return its argument. A
	// nil map with a nil error drops the row, which the import reports. Steps must
	// keep the order of rows by the key of the dataset.
	Row func(row map[string]any) (map[string]any, error)
	// Changes declares the same step as data, so that a caller can check a
	// re-export without trusting Row, and so that nothing is lost unannounced.
	// When Row is nil the package applies Changes itself.
	Changes []Change
}

// ChangeOp is what a [Change] does to a row.
type ChangeOp string

// The operations of a declared change.
const (
	// OpRename gives the value at Path the new place To, in the same object.
	OpRename ChangeOp = "rename"
	// OpMove gives the value at Path the new place To, anywhere in the row.
	OpMove ChangeOp = "move"
	// OpAdd puts Value at Path where nothing is.
	OpAdd ChangeOp = "add"
	// OpDrop removes what is at Path. Imports report how many rows lost a value.
	OpDrop ChangeOp = "drop"
	// OpMap replaces the value at Path by what Value, a JSON object, maps its text
	// to. The text of a string is the string, that of anything else its canonical
	// JSON. A value that is not in the object stays.
	OpMap ChangeOp = "map"
)

// Change is one declared difference between two schemas. Path and To are JSON
// Pointers (RFC 6901) through objects, for example "/location/region".
type Change struct {
	Op    ChangeOp
	Path  string
	To    string
	Value json.RawMessage
	// Reason says why, for people who read the report of an import.
	Reason string
}

// step is one version change of the chain that an import runs through.
type step struct {
	Upcast
	from, to schemaVersion
}

// definition is a dataset that passed all checks. Everything behind NewServer
// works on definitions only.
type definition struct {
	Dataset
	schema schemaVersion
	reads  readRange
	steps  []step
	// maxRow is Options.MaxRowBytes.
	maxRow int64
}

func newDefinition(d Dataset) (*definition, error) {
	if err := checkLabel(d.Name); err != nil {
		return nil, fmt.Errorf("dataset %q: %w", d.Name, err)
	}
	def := &definition{Dataset: d}
	var err error
	if def.schema, err = parseSchema(d.Schema); err != nil {
		return nil, fmt.Errorf("dataset %s: %w", d.Name, err)
	}
	if err := def.checkForm(); err != nil {
		return nil, fmt.Errorf("dataset %s: %w", d.Name, err)
	}

	for _, u := range d.Upcasts {
		s, err := newStep(u)
		if err != nil {
			return nil, fmt.Errorf("dataset %s: upcast from %q to %q: %w", d.Name, u.From, u.To, err)
		}
		if slices.ContainsFunc(def.steps, func(other step) bool { return other.from == s.from }) {
			return nil, fmt.Errorf("dataset %s: two upcasts start at %s", d.Name, s.from)
		}
		def.steps = append(def.steps, s)
	}

	if def.reads, err = newReadRange(d.Reads, def.schema, def.steps); err != nil {
		return nil, fmt.Errorf("dataset %s: %w", d.Name, err)
	}
	if !def.reads.contains(def.schema) {
		return nil, fmt.Errorf("dataset %s: it writes schema %s but reads only %q", d.Name, def.schema, d.Reads)
	}

	for _, s := range def.steps {
		if _, err := def.chain(s.from); err != nil {
			return nil, fmt.Errorf("dataset %s: %w", d.Name, err)
		}
	}
	return def, nil
}

// opaque reports whether the payload is bytes that only the application reads.
func (d *definition) opaque() bool { return d.MediaType != "" && d.MediaType != MediaType }

func (d *definition) mediaType() string {
	if d.opaque() {
		return d.MediaType
	}
	return MediaType
}

// checkForm makes sure that a dataset is either rows or opaque.
func (d *definition) checkForm() error {
	if !d.opaque() {
		if len(d.Fields) == 0 && d.UnknownFields != KeepUnknown {
			return errors.New("a policy for unknown fields needs Fields")
		}
		for _, field := range d.Key {
			if len(d.Fields) > 0 && !slices.Contains(d.Fields, field) {
				return fmt.Errorf("the key field %q is not one of its Fields", field)
			}
		}
		for _, f := range d.Defaults {
			if f.Field == "" || slices.Contains(d.Key, f.Field) || (f.Value != nil && !json.Valid(f.Value)) {
				return fmt.Errorf("the default of %q is none: it needs a field outside the key and a JSON value", f.Field)
			}
		}
		return checkKey(d.Key)
	}

	if _, _, err := mime.ParseMediaType(d.MediaType); err != nil {
		return fmt.Errorf("media type %q: %w", d.MediaType, err)
	}
	if len(d.Key) > 0 || len(d.Fields) > 0 || len(d.Upcasts) > 0 || len(d.Defaults) > 0 {
		return errors.New("an opaque dataset has no key, no fields and no upcasts: the application converts its bytes itself")
	}
	return nil
}

func newStep(u Upcast) (step, error) {
	s := step{Upcast: u}
	var err error
	if s.from, err = parseSchema(u.From); err != nil {
		return step{}, err
	}
	if s.to, err = parseSchema(u.To); err != nil {
		return step{}, err
	}
	if s.from.compare(s.to) >= 0 {
		return step{}, fmt.Errorf("the second version is not later than the first")
	}
	if u.Row == nil && len(u.Changes) == 0 {
		return step{}, fmt.Errorf("it has neither a function nor changes")
	}

	for i, c := range u.Changes {
		if err := c.check(); err != nil {
			return step{}, fmt.Errorf("change %d: %w", i+1, err)
		}
	}
	return s, nil
}

// chain returns the steps that lead from the given schema to the current one.
// Within one major version a missing step means that rows need no change.
func (d *definition) chain(from schemaVersion) ([]step, error) {
	var chain []step
	at := from
	for at != d.schema {
		i := slices.IndexFunc(d.steps, func(s step) bool { return s.from == at })
		switch {
		case d.opaque():
			return nil, nil
		case i >= 0:
			chain = append(chain, d.steps[i])
			at = d.steps[i].to
		case at.major == d.schema.major && at.minor < d.schema.minor:
			at = d.schema
		default:
			return nil, fmt.Errorf("no upcast leads from schema %s to %s: the chain ends at %s", from, d.schema, at)
		}
		if at.compare(d.schema) > 0 {
			return nil, fmt.Errorf("the upcasts from schema %s lead to %s, past %s", from, at, d.schema)
		}
	}

	return chain, nil
}

// checkKey refuses what cannot identify a row.
func checkKey(key []string) error {
	if len(key) == 0 {
		return fmt.Errorf("it has no key: name the fields that identify a row")
	}
	for i, field := range key {
		if field == "" {
			return fmt.Errorf("a key field has no name")
		}
		if slices.Contains(key[:i], field) {
			return fmt.Errorf("the key names %q twice", field)
		}
	}
	return nil
}

// checkLabel accepts DNS labels (RFC 1123).
func checkLabel(s string) error {
	const longest = 63
	if s == "" || len(s) > longest || s[0] == '-' || s[len(s)-1] == '-' {
		return fmt.Errorf("want a DNS label of 1 to %d characters", longest)
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return fmt.Errorf("want a DNS label: lower-case letters, digits and hyphens")
		}
	}
	return nil
}
