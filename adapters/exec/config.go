package exec

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/adapters/internal/settings"
	"github.com/appbur/appbur/pkg/contract"
)

// Config says which commands are an application. It is made by [ParseConfig],
// which refuses what does not hold together.
type Config struct {
	// App is the id of the application.
	App string
	// version is the application's own, or versionCommand prints it.
	version        string
	versionCommand *command
	ready          *command
	quiesce        *command
	release        *command
	restore        bool
	workDir        string
	datasets       []dataset
}

// dataset is one payload and its commands.
type dataset struct {
	contract.Dataset
	export, load command
	check        *command
	strip        []*regexp.Regexp
	sort         order
}

// order is how an export is made stable.
type order string

const (
	asPrinted order = ""
	sortLines order = "lines"
	// sortYAML sorts the documents of a YAML stream.
	sortYAML order = "yaml-documents"
)

// file is the YAML that a person writes.
type file struct {
	App            string       `yaml:"app"`
	Version        string       `yaml:"version"`
	VersionCommand *commandFile `yaml:"versionCommand"`
	Ready          *commandFile `yaml:"ready"`
	Quiesce        *commandFile `yaml:"quiesce"`
	Release        *commandFile `yaml:"release"`
	Consistency    string       `yaml:"consistency"`
	Rollback       string       `yaml:"rollback"`
	WorkDir        string       `yaml:"workDir"`
	// In is only for commands that run in a pod.
	In         *placeFile `yaml:"in"`
	NotCovered []string   `yaml:"notCovered"`
	Datasets   []struct {
		Name        string       `yaml:"name"`
		Description string       `yaml:"description"`
		Schema      string       `yaml:"schema"`
		Reads       string       `yaml:"reads"`
		MediaType   string       `yaml:"mediaType"`
		Key         []string     `yaml:"key"`
		Sensitive   *bool        `yaml:"sensitive"`
		Required    bool         `yaml:"required"`
		DependsOn   []string     `yaml:"dependsOn"`
		Export      *commandFile `yaml:"export"`
		Import      *commandFile `yaml:"import"`
		Check       *commandFile `yaml:"check"`
		Strip       []string     `yaml:"strip"`
		Sort        order        `yaml:"sort"`
	} `yaml:"datasets"`
}

type commandFile struct {
	Argv    []string          `yaml:"argv"`
	Shell   string            `yaml:"shell"`
	Env     []string          `yaml:"env"`
	Set     map[string]string `yaml:"set"`
	Dir     string            `yaml:"dir"`
	Timeout string            `yaml:"timeout"`
}

// The words of the configuration.
const (
	rollbackRestore = "restore-previous"
	rollbackNone    = "none"
	eachForItself   = "each"
)

const defaultTimeout = 10 * time.Minute

// ParseConfig reads a configuration file. getenv looks up the variables that
// commands are to get.
func ParseConfig(data []byte, getenv func(string) string) (Config, error) {
	c, err := parseConfig(data, getenv)
	return c, settings.Explain(err, "docs/adapters.md")
}

func parseConfig(data []byte, getenv func(string) string) (Config, error) {
	var f file
	if err := settings.Decode(data, &f); err != nil {
		return Config{}, err
	}
	if f.In != nil {
		return Config{}, appbur.WithHint(errors.New("in: is for commands in a pod, and these run on this machine"),
			"appbur runs commands in pods by itself, see docs/programs.md")
	}
	return f.config(onThisMachine(getenv))
}

// config makes commands of what is written.
func (f file) config(make maker) (Config, error) {
	c := Config{App: f.App, version: f.Version, workDir: f.WorkDir}
	if (f.Version == "") == (f.VersionCommand == nil) {
		return Config{}, errors.New("one of version and versionCommand is needed")
	}

	for _, of := range []struct {
		name string
		from *commandFile
		to   **command
	}{
		{"versionCommand", f.VersionCommand, &c.versionCommand},
		{"ready", f.Ready, &c.ready},
		{"quiesce", f.Quiesce, &c.quiesce},
		{"release", f.Release, &c.release},
	} {
		var err error
		if *of.to, err = optional(of.from, make); err != nil {
			return Config{}, fmt.Errorf("%s: %w", of.name, err)
		}
	}
	if (c.quiesce == nil) != (c.release == nil) {
		return Config{}, errors.New("quiesce and release go together")
	}

	switch f.Rollback {
	case rollbackRestore:
		c.restore = true
	case rollbackNone:
	default:
		return Config{}, appbur.WithHint(fmt.Errorf("rollback: %q is neither %s nor %s", f.Rollback, rollbackRestore, rollbackNone),
			"restore-previous exports before each import and imports that again when a command fails")
	}
	if err := c.addDatasets(f, make); err != nil {
		return Config{}, err
	}

	switch {
	case f.Consistency != "" && f.Consistency != eachForItself:
		return Config{}, fmt.Errorf("consistency: %q is not %s", f.Consistency, eachForItself)
	case len(c.datasets) > 1 && c.quiesce == nil && f.Consistency == "":
		return Config{}, appbur.WithHint(errors.New("several datasets are exported one after the other, which is not one moment"),
			"give quiesce and release commands, or say consistency: each")
	}
	return c, nil
}

func (c *Config) addDatasets(f file, make maker) error {
	if len(f.Datasets) == 0 {
		return errors.New("at least one dataset is needed")
	}

	for i, from := range f.Datasets {
		where := fmt.Sprintf("datasets[%d] (%s)", i, from.Name)
		d := dataset{sort: from.Sort, Dataset: contract.Dataset{
			Name: from.Name, Description: from.Description, Schema: from.Schema, Reads: from.Reads, MediaType: from.MediaType,
			Key: from.Key, Clear: from.Sensitive != nil && !*from.Sensitive, Required: from.Required, DependsOn: from.DependsOn,
		}}
		if from.Export == nil || from.Import == nil {
			return fmt.Errorf("%s: export and import are needed", where)
		}
		var err error
		if d.export, err = make(*from.Export); err != nil {
			return fmt.Errorf("%s: export: %w", where, err)
		}
		if d.load, err = make(*from.Import); err != nil {
			return fmt.Errorf("%s: import: %w", where, err)
		}
		if d.check, err = optional(from.Check, make); err != nil {
			return fmt.Errorf("%s: check: %w", where, err)
		}
		for _, text := range from.Strip {
			pattern, err := regexp.Compile(text)
			if err != nil {
				var fault *syntax.Error
				if errors.As(err, &fault) {
					err = fmt.Errorf("%q is no regular expression: %s", text, fault.Code)
				}
				return fmt.Errorf("%s: strip: %w", where, err)
			}
			d.strip = append(d.strip, pattern)
		}
		if !slices.Contains([]order{asPrinted, sortLines, sortYAML}, d.sort) {
			return fmt.Errorf("%s: sort: %q is neither %s nor %s", where, d.sort, sortLines, sortYAML)
		}
		if d.opaque() == (len(d.Key) > 0) {
			return appbur.WithHint(fmt.Errorf("%s: one of key and mediaType is needed", where),
				"key for rows, one JSON object per line; mediaType for anything else")
		}
		if !d.opaque() && d.sort != asPrinted {
			return fmt.Errorf("%s: rows come in the order of their key; sort is for opaque datasets", where)
		}
		c.datasets = append(c.datasets, d)
	}
	return nil
}

func (d dataset) opaque() bool { return d.MediaType != "" && d.MediaType != contract.MediaType }

func optional(f *commandFile, make maker) (*command, error) {
	if f == nil {
		return nil, nil
	}
	c, err := make(*f)
	return &c, err
}
