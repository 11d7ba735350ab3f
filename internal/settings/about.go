package settings

// Effect says when a changed setting takes effect in a process that runs.
type Effect string

const (
	// AtOnce is for a setting that takes effect while the process runs.
	AtOnce Effect = "at once"
	// Restart is for one that the process goes by from its start to its end.
	Restart Effect = "after a restart"
)

// About is what a person has to know of a setting.
type About struct {
	// Text says what the setting is for, in sentences.
	Text string
	// Without says what holds without the setting, where that is no value.
	Without string
	// Example is a value, as it stands in a document.
	Example string
	// Since is the version of the document that had it first.
	Since string
	// Effect says when a change takes effect. A setting that has settings has none of its own.
	Effect Effect
	// Required is true for a setting that has to be there.
	Required bool
}

// FieldInfo is one setting of a table.
type FieldInfo struct {
	// Path is the names that lead to it, joined by dots. An element of a list has no name.
	Path string `json:"path"`
	// Type is the word for what it takes, such as duration.
	Type string `json:"type"`
	// Values are all that there are, where they are few.
	Values []string `json:"values,omitempty"`
	// Default is what holds without it, as it would stand in a document, "" if that is no value.
	Default string `json:"default,omitempty"`
	Without string `json:"without,omitempty"`
	Example string `json:"example,omitempty"`
	Text    string `json:"text"`
	Since   string `json:"since"`
	Effect  Effect `json:"takesEffect,omitempty"`
	// Required settings have to be there.
	Required bool `json:"required,omitempty"`
}

func (f FieldInfo) with(a About) FieldInfo {
	f.Without, f.Example, f.Text, f.Since, f.Effect, f.Required = a.Without, a.Example, a.Text, a.Since, a.Effect, a.Required
	return f
}
