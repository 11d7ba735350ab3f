package schemadiff

// Rule is one kind of difference.
type Rule struct {
	ID string `json:"id"`
	// Format is what it is about: protobuf, json-schema or contract.
	Format   string `json:"format"`
	Breaking bool   `json:"breaking"`
	Title    string `json:"title"`
	Reason   string `json:"reason"`
	Source   string `json:"source"`
}

// Sources of the rules.
const (
	buf        = "buf breaking, WIRE_JSON"
	bufPackage = "buf breaking, PACKAGE"
	draft      = "JSON Schema 2020-12, validation"
	registry   = "Confluent schema registry, BACKWARD for JSON Schema"
	own        = "appbur: a restore must not lose state"
)

// Rules are all kinds of differences, in the order of the documentation.
var Rules = []Rule{
	{"MESSAGE_NO_DELETE", "protobuf", true, "a message was deleted or renamed", "rows of it have no type any more", bufPackage},
	{"FIELD_NO_DELETE", "protobuf", true, "a field was deleted", "its values are lost, also where readers skip unknown fields", own},
	{"FIELD_SAME_JSON_NAME", "protobuf", true, "a field has another name", "rows are JSON, and name their fields", buf},
	{"FIELD_COMPATIBLE_TYPE", "protobuf", true, "a field has another type", "old values cannot be read, or become others", buf},
	{
		"FIELD_COMPATIBLE_CARDINALITY", "protobuf", true, "a field became a list or a map, or is none any more",
		"JSON writes them differently", buf,
	},
	{
		"FIELD_SAME_ONEOF", "protobuf", true, "a field moved into a oneof, or out of one",
		"of two values that a row has only one is kept", buf,
	},
	{"FIELD_SAME_DEFAULT", "protobuf", true, "a field has another default", "rows without the field mean something else", buf},
	{"MESSAGE_SAME_REQUIRED_FIELDS", "protobuf", true, "a field is required that was not", "rows without it are refused", buf},
	{
		"ENUM_VALUE_NO_DELETE", "protobuf", true, "a value of an enum was deleted or renamed",
		"rows name the value, and are refused or lose it", buf,
	},
	{
		"FIELD_RESERVED", "protobuf", true, "a field takes a number or a name that was reserved",
		"it was used before, for something else", buf,
	},
	{"FIELD_ADDED", "protobuf", false, "a field was added", "rows without it are read", buf},
	{"ENUM_VALUE_ADDED", "protobuf", false, "a value of an enum was added", "old rows do not have it", buf},

	{"PROPERTY_REMOVED", "json-schema", true, "a property was removed", "its values are lost, or the row is refused", own},
	{"REQUIRED_ADDED", "json-schema", true, "a property is required that was not", "rows without it are refused", registry},
	{"TYPE_NARROWED", "json-schema", true, "a value may have fewer types", "old values of the others are refused", registry},
	{"ENUM_NARROWED", "json-schema", true, "a value that was allowed is not any more", "rows with it are refused", registry},
	{"BOUND_TIGHTENED", "json-schema", true, "a limit is tighter", "old values beyond it are refused", registry},
	{"PATTERN_CHANGED", "json-schema", true, "a text must have another form", "it cannot be told that all old texts have it", draft},
	{
		"PROPERTIES_CLOSED", "json-schema", true, "other properties are not allowed any more",
		"rows that have some are refused", registry,
	},
	{
		"NOT_UNDERSTOOD", "json-schema", true, "a part of the schema changed that this comparison does not follow",
		"it is not passed unread", own,
	},
	{"PROPERTY_ADDED", "json-schema", false, "a property was added", "rows without it are read", registry},
	{"TYPE_WIDENED", "json-schema", false, "a value may have more types", "old values stay valid", registry},

	{
		"UPCAST_EDITED", "contract", true, "an upcast that was released is another one now",
		"the same state becomes something else, depending on the release that restores it", "checksums of applied migrations in Flyway and Liquibase",
	},
	{
		"KEY_CHANGED", "contract", true, "the key of a dataset changed within a major version",
		"rows that were different become the same, or the order changes", own,
	},
	{
		"SCHEMA_WENT_BACK", "contract", true, "a dataset writes an older schema than a release before",
		"what that release wrote is newer than what reads it", own,
	},
}

// RuleOf returns a rule by its id.
func RuleOf(id string) Rule {
	for _, r := range Rules {
		if r.ID == id {
			return r
		}
	}
	return Rule{ID: id}
}

// Difference is one difference between two descriptions.
type Difference struct {
	Rule string `json:"rule"`
	// Path is where it is: a JSON pointer through a row, or a field of a message.
	Path string `json:"path"`
	What string `json:"what"`
	// Breaking is that of the rule.
	Breaking bool `json:"breaking"`
}

// found collects differences.
type found []Difference

func (f *found) add(rule, path, what string) {
	*f = append(*f, Difference{rule, path, what, RuleOf(rule).Breaking})
}

// Breaking returns the differences that break rows.
func Breaking(all []Difference) []Difference {
	var breaking []Difference
	for _, d := range all {
		if d.Breaking {
			breaking = append(breaking, d)
		}
	}
	return breaking
}
