package health

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Check is one thing that must hold.
type Check struct {
	Name string
	// Run returns why it does not hold, nil if it does.
	Run func(context.Context) error
}

// Handler answers for all checks together. The path is what it is served as, such as /livez; each check
// alone is below it.
func Handler(path string, checks ...Check) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET", http.StatusMethodNotAllowed)
			return
		}
		chosen, err := choose(r, path, checks)
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}

		lines, ok := run(r.Context(), chosen)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-cache, private")

		name := strings.TrimPrefix(path, "/")
		switch _, verbose := r.URL.Query()["verbose"]; {
		case !ok:
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = fmt.Fprintf(w, "%s%s check failed\n", lines, name)
		case verbose:
			_, _ = fmt.Fprintf(w, "%s%s check passed\n", lines, name)
		default:
			_, _ = fmt.Fprint(w, "ok")
		}
	})
}

// choose returns the checks that a request asks for.
func choose(r *http.Request, path string, checks []Check) ([]Check, error) {
	if name := strings.Trim(strings.TrimPrefix(r.URL.Path, path), "/"); name != "" {
		at := slices.IndexFunc(checks, func(c Check) bool { return c.Name == name })
		if at < 0 {
			return nil, fmt.Errorf("there is no check %q", name)
		}
		return checks[at : at+1], nil
	}
	excluded := r.URL.Query()["exclude"]
	return slices.DeleteFunc(slices.Clone(checks), func(c Check) bool { return slices.Contains(excluded, c.Name) }), nil
}

// run makes one line of each check.
func run(ctx context.Context, checks []Check) (lines string, ok bool) {
	var out strings.Builder
	ok = true
	for _, c := range checks {
		if err := c.Run(ctx); err != nil {
			ok = false
			fmt.Fprintf(&out, "[-]%s failed: %s\n", c.Name, strings.Join(strings.Fields(err.Error()), " "))
			continue
		}
		fmt.Fprintf(&out, "[+]%s ok\n", c.Name)
	}
	return out.String(), ok
}
