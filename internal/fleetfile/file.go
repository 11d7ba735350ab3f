package fleetfile

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/appbur/appbur/internal/strictyaml"
)

// APIVersion and Kind are what the file says that it is.
const (
	APIVersion = "appbur.io/v1alpha1"
	Kind       = "Fleet"
)

// Cluster is one of a fleet.
type Cluster struct {
	Name string
	// Repository is a directory, or the URL of a remote. One that ends with #DIR/* stands for all parts of the remote below DIR
	// ([Cluster.Each]).
	Repository string
	// Keys is a key directory, Trust a file in the format of allowed_signers: whose points to believe.
	Keys, Trust string
	// Credentials is the directory with the credential files of a URL; AllowPlaintext accepts http:// to another machine.
	Credentials    string
	AllowPlaintext bool
	// Config is the configuration of the daemon, whose schedules say when a point is late; Daemon is where it serves
	// metrics.
	Config, Daemon string
	// Retired are clusters that a remote may have had and need not have any more, by what the * stands for.
	Retired []string
	// MaxAge is how old the last good point may be, 0 for what is said for all.
	MaxAge time.Duration
}

type document struct {
	APIVersion string  `yaml:"apiVersion"`
	Kind       string  `yaml:"kind"`
	Clusters   []entry `yaml:"clusters"`
}

type entry struct {
	Name           string `yaml:"name"`
	Repository     string `yaml:"repository"`
	Keys           string `yaml:"keys"`
	Trust          string `yaml:"trust"`
	Credentials    string `yaml:"credentials"`
	AllowPlaintext bool   `yaml:"allowPlaintext"`
	Config         string `yaml:"config"`
	Daemon         string `yaml:"daemon"`
	MaxAge         string `yaml:"maxAge"`

	Retired []string `yaml:"retired"`
}

// Parse reads a list. Paths in it are relative to dir. The error has one for each entry that is wrong.
func Parse(data []byte, dir string) ([]Cluster, error) {
	var d document
	if err := strictyaml.Decode(data, &d); err != nil {
		return nil, err
	}
	switch {
	case d.APIVersion != APIVersion || d.Kind != Kind:
		return nil, fmt.Errorf("it is %q of %q, and not a %s of %s", d.Kind, d.APIVersion, Kind, APIVersion)
	case len(d.Clusters) == 0:
		return nil, errors.New("it has no clusters")
	}

	seen := make(map[string]bool)
	return strictyaml.Entries("cluster", d.Clusters, func(e entry) (Cluster, error) {
		c, err := e.cluster(dir)
		if err == nil && seen[c.Name] {
			err = fmt.Errorf("another one is called %s, too", c.Name)
		}
		seen[c.Name] = true
		return c, err
	})
}

func (e entry) cluster(dir string) (Cluster, error) {
	c := Cluster{
		Name: e.Name, Repository: e.Repository, Daemon: e.Daemon, AllowPlaintext: e.AllowPlaintext,
		Keys: within(dir, e.Keys), Trust: within(dir, e.Trust), Credentials: within(dir, e.Credentials), Config: within(dir, e.Config),
	}
	switch {
	case e.Name == "" || strings.ContainsAny(e.Name, " \t\n"):
		return c, fmt.Errorf("its name is %q", e.Name)
	case e.Repository == "" && e.Config == "":
		return c, fmt.Errorf("%s has no repository", e.Name)
	}
	if !isURL(c.Repository) {
		c.Repository = within(dir, c.Repository)
	}
	if strings.Contains(c.Repository, "*") && !c.Many() {
		return c, fmt.Errorf("the repository of %s has a * that does not stand for all parts of a remote, as in "+
			"https://git.example/fleet.git#clusters/*", e.Name)
	}
	if len(e.Retired) > 0 && !c.Many() {
		return c, fmt.Errorf("%s has retired clusters, which are for a repository such as https://git.example/fleet.git#clusters/*", e.Name)
	}
	c.Retired = e.Retired
	if e.MaxAge != "" {
		age, err := time.ParseDuration(e.MaxAge)
		if err != nil || age <= 0 {
			return c, fmt.Errorf("the maxAge of %s is %q, and not a time such as 26h", e.Name, e.MaxAge)
		}
		c.MaxAge = age
	}
	return c, nil
}

// isURL is how the URL of a remote differs from a directory.
func isURL(place string) bool {
	return strings.Contains(place, "://") || strings.HasPrefix(place, "git@")
}

func within(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
