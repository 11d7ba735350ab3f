package configuration

import (
	"strings"
	"time"

	"github.com/appbur/appbur/internal/settings"
)

// The kind of document, and the version that this release reads.
const (
	APIVersion = "appbur.io/" + version
	Kind       = "Configuration"

	version = "v1alpha1"
)

// Configuration is what a file says, with the defaults of what it does not say.
type Configuration struct {
	apiVersion, kind string

	Repository     Repository
	Cluster        Cluster
	Watch          Watch
	Points         Points
	Drills         Drills
	Apps           Apps
	Guards         Guards
	Push           Push
	Anchor         Anchor
	Maintenance    Maintenance
	LeaderElection LeaderElection
	Audit          Audit
	Metrics        Metrics
	Log            Log
	Reload         Reload
}

// Repository says where commits go.
type Repository struct {
	// Path is the directory, Keys that of its keys; "" is what the copy is bound to.
	Path, Keys string
	// Remotes are where the working copy comes from and where commits go.
	Remotes []Remote
}

// Cluster says which cluster is saved, as a kubeconfig does.
type Cluster struct{ Kubeconfig, Context string }

// Watch says when commits are made.
type Watch struct{ Quiet, Limit time.Duration }

// Guards are the checks of the history that are off.
type Guards struct{ AdoptCluster, AcceptHistory, AllowCollapse, BeginHistory bool }

// Push says whether commits go to the remotes.
type Push struct {
	Enabled bool
	// Required is how many remotes must hold a point, 0 for what the working copy says.
	Required int
}

// Anchor is where the newest commit is written down after each commit, "" for nowhere.
type Anchor struct{ Path string }

// Maintenance says when the repository is packed together.
type Maintenance struct {
	// AfterCommits is 0 for never.
	AfterCommits int
}

// LogFormat is how lines are logged.
type LogFormat string

// The formats there are.
const (
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// Log says how lines are logged.
type Log struct{ Format LogFormat }

// Reload says how changes of the file are noticed.
type Reload struct {
	// Every is how often the file is read, 0 for never.
	Every time.Duration
}

// Parse reads a file. What is below it holds where the file says nothing, what is above it holds whatever the file
// says; nil for data is no file. An error is a [settings.Error].
func Parse(data []byte, below, above []settings.Given) (settings.Document[Configuration], error) {
	return settings.Read(Table, data, below, above, rules...)
}

// ListOf is the list whose elements have a setting, and false for one that is in no list.
func ListOf(path string) (list string, in bool) {
	for _, f := range Table.Fields() {
		if f.Type == "list" && strings.HasPrefix(path, f.Path+".") {
			return f.Path, true
		}
	}
	return "", false
}

// Changed are the settings in which two configurations differ.
func Changed(before, after Configuration) []settings.Change { return Table.Changed(before, after) }

// Write returns a file that says the same as a configuration.
func (c Configuration) Write() ([]byte, error) { return Table.Write(c) }
