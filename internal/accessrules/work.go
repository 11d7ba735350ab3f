package accessrules

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/appbur/appbur"
)

// Work is what an account is to do.
type Work struct {
	// Saved are the types whose objects are saved.
	Saved []Resource
	// SavesAll is for types that are not known: every one there is, and those to come.
	SavesAll bool
	// MakesPoints says that restore points are made, not only commits.
	MakesPoints bool
	// FindsApps says that applications are found by the labels of their Services.
	FindsApps bool
	// Commands are the namespaces in whose pods commands of applications run, and Declared those of them whose ConfigMaps
	// declare such commands.
	Commands, Declared []string
	// Lease elects which of several daemons writes; one without a name elects nobody.
	Lease Lease
	// LeadsService is the Service that the daemon leads to itself, "" for none. It is beside the Lease.
	LeadsService string
	// ShowsToken says that applications are shown a token of the account, which they ask the API
	// server about: those that are Named, and where applications are found also others.
	ShowsToken bool
	Named      []appbur.AppKey
}

// Lease is where a Lease is. Without a namespace it is in that of the account.
type Lease struct{ Namespace, Name string }

// Resource is a type as RBAC names it: without its version.
type Resource struct {
	Group, Name string
	// Watched is false for a type that the API server only lists.
	Watched bool
}

// ErrNoResource is the error of a text that names no type as RBAC does.
var ErrNoResource = errors.New("not the name of a resource")

// ParseResource reads RESOURCE.GROUP, or RESOURCE alone for one of the core group.
func ParseResource(text string) (Resource, error) {
	name, group, grouped := strings.Cut(text, ".")
	bad := func(r rune) bool { return r != '.' && r != '-' && (r < 'a' || r > 'z') && (r < '0' || r > '9') }
	if name == "" || strings.ContainsFunc(text, bad) || grouped && (group == "" || strings.HasSuffix(group, ".")) {
		return Resource{}, fmt.Errorf("%q: %w", text, ErrNoResource)
	}
	if !grouped && !slices.Contains(coreResources, name) {
		return Resource{}, fmt.Errorf("%q: %w of the core group", text, ErrNoResource)
	}
	return Resource{Group: group, Name: name, Watched: true}, nil
}

// coreResources are those without a group whose objects are stored. No release has added one since
// 1.6, and a deployment without its group would be a rule that allows nothing.
var coreResources = []string{
	"configmaps", "endpoints", "events", "limitranges", "namespaces", "nodes", "persistentvolumeclaims", "persistentvolumes", "pods",
	"podtemplates", "replicationcontrollers", "resourcequotas", "secrets", "serviceaccounts", "services",
}
