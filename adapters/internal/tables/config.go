package tables

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/appbur/appbur"

	"github.com/appbur/appbur/adapters/internal/settings"
	"github.com/appbur/appbur/pkg/contract"
)

// Config says which tables of which database are an application's state. It is
// made by [ParseConfig], which refuses what does not hold together.
type Config struct {
	// App is the id that the payloads carry; an import of another app is refused.
	App string
	// Version is the application's own version, for people; "unversioned" when the
	// file does not give it.
	Version string
	// DSN is how the driver reaches the database. It may hold a password.
	DSN string
	// LockTimeout is how long to wait for other sessions before giving up.
	LockTimeout time.Duration
	// Tables are in the order of the file.
	Tables []Table
}

// Table is one table whose rows are a dataset.
type Table struct {
	// Schema is the schema that holds the table; empty means the database's usual one.
	Schema string
	// Name is the exact name, neither quoted nor folded.
	Name string
	// Dataset is the name of the payload.
	Dataset string
	// PayloadSchema is the version that is written, Reads the range that is read.
	PayloadSchema, Reads string
	// Key lists the columns that identify and order rows. Empty means the primary key.
	Key []string
	// Sensitive payloads are encrypted before they are stored. All are, unless the
	// file says sensitive: false.
	Sensitive bool
	// Optional lists columns that may be missing from a payload; they get their defaults.
	Optional []string
	// Upcasts are the declared changes from older schemas, for payloads and comparisons.
	Upcasts []contract.Upcast
	// AllowTriggers accepts that triggers of the table run while rows are written,
	// where the server has no way to stop them.
	AllowTriggers bool
}

// file is the YAML that a person writes.
type file struct {
	App      string `yaml:"app"`
	Version  string `yaml:"version"`
	Schema   string `yaml:"schema"`
	Reads    string `yaml:"reads"`
	Database struct {
		DSN        string `yaml:"dsn"`
		DSNFromEnv string `yaml:"dsnFromEnv"`
	} `yaml:"database"`
	LockTimeout string `yaml:"lockTimeout"`
	Tables      []struct {
		Schema        string   `yaml:"schema"`
		Table         string   `yaml:"table"`
		Dataset       string   `yaml:"dataset"`
		PayloadSchema string   `yaml:"payloadSchema"`
		Reads         string   `yaml:"reads"`
		Key           []string `yaml:"key"`
		Sensitive     *bool    `yaml:"sensitive"`
		Optional      []string `yaml:"optional"`
		AllowTriggers bool     `yaml:"allowTriggers"`
		Upcasts       []upcast `yaml:"upcasts"`
	} `yaml:"tables"`
}

const defaultLockTimeout = 30 * time.Second

var (
	datasetName   = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	schemaVersion = regexp.MustCompile(`^(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})$`)
	notInDataset  = regexp.MustCompile(`[^a-z0-9]+`)
)

// ParseConfig reads a configuration file. getenv looks up the variable that
// database.dsnFromEnv names.
func ParseConfig(data []byte, getenv func(string) string) (Config, error) {
	c, err := parseConfig(data, getenv)
	return c, settings.Explain(err, "adapters/postgres/example.yaml, or adapters/mysql/example.yaml,")
}

func parseConfig(data []byte, getenv func(string) string) (Config, error) {
	var f file
	if err := settings.Decode(data, &f); err != nil {
		return Config{}, err
	}
	c := Config{App: f.App, Version: firstOf(f.Version, "unversioned"), LockTimeout: defaultLockTimeout}
	if !datasetName.MatchString(c.App) {
		return Config{}, fmt.Errorf("app: %q is not a name: want lower-case letters, digits and dashes, at most 63", c.App)
	}
	if f.LockTimeout != "" {
		d, err := time.ParseDuration(f.LockTimeout)
		if err != nil || d < time.Millisecond {
			return Config{}, fmt.Errorf("lockTimeout: %q is not a duration such as 30s", f.LockTimeout)
		}
		c.LockTimeout = d
	}

	switch db := f.Database; {
	case db.DSN != "" && db.DSNFromEnv != "":
		return Config{}, errors.New("database: dsn and dsnFromEnv exclude one another")
	case db.DSNFromEnv != "":
		if c.DSN = getenv(db.DSNFromEnv); c.DSN == "" {
			return Config{}, appbur.WithHint(fmt.Errorf("database.dsnFromEnv: the environment variable %s is empty", db.DSNFromEnv),
				"set it to the connection string of the database")
		}
	case db.DSN != "":
		c.DSN = db.DSN
	default:
		return Config{}, errors.New("database: one of dsn and dsnFromEnv is needed")
	}
	if len(f.Tables) == 0 {
		return Config{}, errors.New("at least one table is needed")
	}

	datasets, names := map[string]bool{}, map[string]bool{}
	for i, t := range f.Tables {
		table := Table{
			Schema: t.Schema, Name: t.Table, Dataset: t.Dataset, Key: t.Key, Sensitive: t.Sensitive == nil || *t.Sensitive, Optional: t.Optional,
			AllowTriggers: t.AllowTriggers, PayloadSchema: firstOf(t.PayloadSchema, f.Schema, "1.0"),
		}
		where := fmt.Sprintf("tables[%d]", i)
		var err error
		if table.Upcasts, err = parseUpcasts(t.Upcasts); err != nil {
			return Config{}, fmt.Errorf("%s (%s): %w", where, table.Name, err)
		}
		table.Reads = firstOf(t.Reads, f.Reads)
		if table.Reads == "" && len(table.Upcasts) == 0 {
			table.Reads = sameMajor(table.PayloadSchema)
		}
		if table.Name == "" {
			return Config{}, fmt.Errorf("%s: table is needed", where)
		}
		where += " (" + table.Name + ")"
		if table.Dataset == "" {
			table.Dataset = strings.Trim(notInDataset.ReplaceAllString(strings.ToLower(table.Name), "-"), "-")
		}
		if !datasetName.MatchString(table.Dataset) {
			return Config{}, fmt.Errorf("%s: %q is not a dataset name: want lower-case letters, digits and dashes, at most 63", where, table.Dataset)
		}
		if !schemaVersion.MatchString(table.PayloadSchema) {
			return Config{}, fmt.Errorf("%s: %q is not a schema version: want MAJOR.MINOR", where, table.PayloadSchema)
		}
		if datasets[table.Dataset] {
			return Config{}, fmt.Errorf("%s: the dataset %q appears twice; give one of them another name with the field dataset", where,
				table.Dataset)
		}
		if names[table.Schema+"\x00"+table.Name] {
			return Config{}, fmt.Errorf("%s: the table appears twice", where)
		}
		datasets[table.Dataset], names[table.Schema+"\x00"+table.Name] = true, true
		c.Tables = append(c.Tables, table)
	}
	return c, nil
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// sameMajor is the range of versions that need no upcast: the same major, not newer.
func sameMajor(version string) string {
	major, _, _ := strings.Cut(version, ".")
	return fmt.Sprintf(">= %s.0, <= %s", major, version)
}
