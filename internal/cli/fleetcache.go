package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/fleetcopies"
)

// cacheRoot is a directory in the user's cache, "" when no place for it is known.
func (e *env) cacheRoot(name string) string {
	cache := e.getenv("XDG_CACHE_HOME")
	if cache == "" {
		home := e.getenv("HOME")
		if home == "" {
			return ""
		}
		cache = filepath.Join(home, ".cache")
	}
	return filepath.Join(cache, "appbur", name)
}

// openCache makes the place for the copies of remotes: where the user says, or one for as long as this command runs. The
// returned function leaves no more there than may stay.
func (o *fleetOptions) openCache(e *env) (done func() error, err error) {
	most, err := resource.ParseQuantity(o.cacheSize)
	if err != nil || most.Sign() <= 0 {
		return nil, &usageError{appbur.WithHint(fmt.Errorf("--cache-size: %q is no size", o.cacheSize), "write one such as 500Mi or 10Gi")}
	}
	dir := o.cache
	if dir == "" {
		dir = e.cacheRoot("fleet")
	}
	copies, err := fleetcopies.Open(dir, most.Value(), e.now)
	if err != nil && o.cache != "" {
		return nil, &usageError{appbur.WithHint(fmt.Errorf("--cache: %w", err), "name a directory that can be written to")}
	}
	remove := func() error { return nil }
	if err != nil { // a user without a home
		if dir, err = os.MkdirTemp("", "appbur-fleet-"); err != nil {
			return nil, err
		}
		remove = func() error { return os.RemoveAll(dir) }
		if copies, err = fleetcopies.Open(dir, most.Value(), e.now); err != nil {
			return nil, errors.Join(err, remove())
		}
	}

	o.remotes = newFleetRemotes(copies, e.remoteOptions())
	return func() error { return errors.Join(copies.Trim(), remove()) }, nil
}
