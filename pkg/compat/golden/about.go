package golden

import (
	"encoding/json"
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat/payload"
)

// Row is one decoded row, as [payload.DecodeRow] returns it.
type Row = map[string]any

// rows is the media type of datasets that have rows.
const rowsType = "application/x-ndjson"

// About is what a release said about itself when its state was recorded, and what an
// application says now.
type About struct {
	App      string    `json:"app"`
	Version  string    `json:"version"`
	Datasets []Dataset `json:"datasets"`
}

// Dataset is one dataset of a release.
type Dataset struct {
	Name      string   `json:"name"`
	Schema    string   `json:"schema"`
	Reads     string   `json:"reads"`
	MediaType string   `json:"mediaType"`
	Key       []string `json:"key,omitempty"`
	Sensitive bool     `json:"sensitive,omitempty"`
	Required  bool     `json:"required,omitempty"`
	DependsOn []string `json:"dependsOn,omitempty"`
	// Upcasts and Defaults are what the release makes of older rows.
	Upcasts       []payload.Upcast `json:"upcasts,omitempty"`
	Defaults      []Default        `json:"defaults,omitempty"`
	UnknownFields string           `json:"unknownFields,omitempty"`

	// File holds the payload, below the directory of the release; SchemaFile describes its
	// rows. Both are empty when there is none, and of what an application says now.
	File       string `json:"file,omitempty"`
	SchemaFile string `json:"schemaFile,omitempty"`
	// SchemaMessage is the message of the rows, where SchemaFile holds descriptors of protobuf.
	SchemaMessage string            `json:"schemaMessage,omitempty"`
	Rows          int64             `json:"rows,omitempty"`
	Positions     []appbur.Position `json:"positions,omitempty"`
	// LeftOut says why the payload was not recorded.
	LeftOut string `json:"leftOut,omitempty"`
}

// Default is a field that may be missing from older rows. Value is empty when it cannot be
// predicted what the application fills in.
type Default struct {
	Field string          `json:"field"`
	Value json.RawMessage `json:"value,omitempty"`
}

// Opaque reports whether only the application reads the payload.
func (d Dataset) Opaque() bool { return d.MediaType != rowsType }

// Dataset returns the dataset of a name.
func (a About) Dataset(name string) (Dataset, bool) {
	i := slices.IndexFunc(a.Datasets, func(d Dataset) bool { return d.Name == name })
	if i < 0 {
		return Dataset{}, false
	}
	return a.Datasets[i], true
}

// Golden is the state that one release exported.
type Golden struct {
	Release string
	About   About
	// Rows and Opaque are the payloads by dataset. A dataset that was left out is in neither.
	Rows   map[string][]Row
	Opaque map[string]appbur.Digest
}

// Has reports whether the golden has the payload of a dataset.
func (g Golden) Has(dataset string) bool {
	_, hasRows := g.Rows[dataset]
	_, opaque := g.Opaque[dataset]
	return hasRows || opaque
}
