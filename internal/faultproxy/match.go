package faultproxy

import (
	"net/http"
	"strings"
)

// Match selects requests.
type Match func(*http.Request) bool

// Any selects every request.
func Any(*http.Request) bool { return true }

// Watch selects watches.
func Watch(r *http.Request) bool { return r.URL.Query().Get("watch") != "" }

// Continued selects the pages of lists after the first.
func Continued(r *http.Request) bool { return r.URL.Query().Get("continue") != "" }

// Discovery selects what asks for groups, versions and resources.
func Discovery(r *http.Request) bool {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch parts[0] {
	case "api":
		return len(parts) <= 2
	case "apis":
		return len(parts) <= 3
	default:
		return false
	}
}

// Path selects requests whose path is this one.
func Path(path string) Match {
	return func(r *http.Request) bool { return r.URL.Path == path }
}

// List selects lists, not watches, of a resource in all namespaces, whatever its
// group and version.
func List(resource string) Match {
	return func(r *http.Request) bool {
		return !Watch(r) && !Discovery(r) && strings.HasSuffix(r.URL.Path, "/"+resource)
	}
}

// Lists selects all lists.
func Lists(r *http.Request) bool {
	return !Watch(r) && !Discovery(r) && r.Method == http.MethodGet && r.URL.Query().Get("limit") != ""
}

// All selects what every one of the matches selects.
func All(matches ...Match) Match {
	return func(r *http.Request) bool {
		for _, match := range matches {
			if !match(r) {
				return false
			}
		}
		return true
	}
}
