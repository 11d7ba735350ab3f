package files

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/adapters/internal/settings"
	"github.com/appbur/appbur/pkg/contract"
)

// Config says which files are an application's state. It is made by [ParseConfig].
type Config struct {
	// App is the id of the application, Version its own version.
	App, Version string
	root         string
	datasets     []dataset
}

// dataset is a choice of files.
type dataset struct {
	contract.Dataset
	choice
	links linkPolicy
	mtime bool
	// owners is never empty.
	owners ownerPolicy
}

// linkPolicy is what becomes of symbolic links that are chosen.
type linkPolicy string

const (
	refuseLinks linkPolicy = "refuse"
	skipLinks   linkPolicy = "skip"
	keepLinks   linkPolicy = "keep"
)

// file is the YAML that a person writes.
type file struct {
	App      string `yaml:"app"`
	Version  string `yaml:"version"`
	Root     string `yaml:"root"`
	Datasets []struct {
		Name        string      `yaml:"name"`
		Description string      `yaml:"description"`
		Schema      string      `yaml:"schema"`
		Include     []string    `yaml:"include"`
		Exclude     []string    `yaml:"exclude"`
		Symlinks    linkPolicy  `yaml:"symlinks"`
		Mtime       bool        `yaml:"mtime"`
		Owners      ownerPolicy `yaml:"owners"`
		Sensitive   *bool       `yaml:"sensitive"`
		Required    bool        `yaml:"required"`
	} `yaml:"datasets"`
}

// ParseConfig reads a configuration file.
func ParseConfig(data []byte) (Config, error) {
	c, err := parseConfig(data)
	return c, settings.Explain(err, "adapters/files/example.yaml")
}

func parseConfig(data []byte) (Config, error) {
	var f file
	if err := settings.Decode(data, &f); err != nil {
		return Config{}, err
	}

	c := Config{App: f.App, Version: f.Version, root: f.Root}
	switch {
	case c.Version == "":
		return Config{}, errors.New("version is needed")
	case !filepath.IsAbs(c.root):
		return Config{}, fmt.Errorf("root: %q is not an absolute path", c.root)
	case len(f.Datasets) == 0:
		return Config{}, errors.New("at least one dataset is needed")
	}

	for i, from := range f.Datasets {
		where := fmt.Sprintf("datasets[%d] (%s)", i, from.Name)
		d := dataset{links: from.Symlinks, mtime: from.Mtime, owners: from.Owners, Dataset: contract.Dataset{
			Name: from.Name, Description: from.Description, Schema: from.Schema, Key: []string{"path", "part"}, Required: from.Required,
			Fields: fields, UnknownFields: contract.RefuseUnknown, Clear: from.Sensitive != nil && !*from.Sensitive,
		}}
		if d.Schema == "" {
			d.Schema = "1.0"
		}
		switch d.links {
		case "":
			d.links = refuseLinks
		case refuseLinks, skipLinks, keepLinks:
		default:
			return Config{}, fmt.Errorf("%s: symlinks: %q is none of refuse, skip, keep", where, d.links)
		}
		switch d.owners {
		case "":
			d.owners = noOwners
		case noOwners:
		case numericOwners, namedOwners:
			// State that was saved without owners stays importable, and it cannot be predicted
			// whose its files are: what was there keeps its owner.
			d.Defaults = []contract.FieldDefault{{Field: "owner"}, {Field: "group"}}
		default:
			return Config{}, fmt.Errorf("%s: owners: %q is none of none, numeric, names", where, d.owners)
		}
		var err error
		if d.choice, err = newChoice(from.Include, from.Exclude); err != nil {
			return Config{}, appbur.WithHint(fmt.Errorf("%s: %w", where, err), `patterns are relative to root, for example "pages" or "**/*.md"`)
		}
		c.datasets = append(c.datasets, d)
	}
	return c, nil
}
