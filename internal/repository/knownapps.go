package repository

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/appbur/appbur"
)

// ApplicationsConfig is what a user says about the applications of a repository.
type ApplicationsConfig struct {
	// Retired are those that no backup has to hold any more.
	Retired []Retirement `yaml:"retired,omitempty"`
}

// Retirement takes an application out of what a backup must hold.
type Retirement struct {
	// Name is NAMESPACE/NAME.
	Name string `yaml:"name"`
	// Sequence is that of the newest restore point that held it. A later point that
	// holds it again ends the retirement: no clock has a say, and no user has to undo it.
	Sequence int `yaml:"sequence"`
}

// check refuses names that are none.
func (a *ApplicationsConfig) check() error {
	if a == nil {
		return nil
	}
	named := map[string]bool{}
	for _, r := range a.Retired {
		namespace, name, qualified := strings.Cut(r.Name, "/")
		switch {
		case !qualified || namespace == "" || name == "" || strings.Contains(name, "/"):
			return fmt.Errorf("retired: %q is not NAMESPACE/NAME", r.Name)
		case r.Sequence < 0:
			return fmt.Errorf("retired: %s: sequence %d is less than 0", r.Name, r.Sequence)
		case named[r.Name]:
			return fmt.Errorf("retired: %s is named twice", r.Name)
		}
		named[r.Name] = true
	}
	return nil
}

// KnownApp is an application that a restore point holds the state of, or misses.
type KnownApp struct {
	appbur.AppKey
	// App and Version are what it said of itself, "" when no point that is left holds it.
	App     string
	Version string
	// Point is the newest that its state was exported for, Sequence that point's, Taken when it was
	// made; zero when no point holds it any more.
	Point    appbur.RestorePointID
	Sequence int
	Taken    time.Time
	// Retired applications are not missed.
	Retired bool
}

// KnownApps are the applications of a repository, by name: those that one of its restore
// points holds, or names as missing. The points must be those that count, newest first as
// in a [Catalog]: whoever can push could otherwise make every backup partial, or hide that
// an application is missing.
func KnownApps(points []appbur.RestorePoint, retired []Retirement) []KnownApp {
	byKey := map[appbur.AppKey]*KnownApp{}
	of := func(key appbur.AppKey) *KnownApp {
		if byKey[key] == nil {
			byKey[key] = &KnownApp{AppKey: key, Sequence: -1}
		}
		return byKey[key]
	}
	for _, point := range points {
		for _, app := range point.Apps {
			known := of(app.AppKey)
			if known.Taken.IsZero() {
				origin := point.OriginOf(app)
				known.App, known.Version, known.Taken = app.App, app.Version, origin.Created
				known.Point, known.Sequence = origin.Point, max(known.Sequence, origin.Sequence)
			}
		}
		for _, missing := range point.Missing {
			// The point that held it may be gone; that it was there is still known.
			if known := of(missing.AppKey); known.Sequence < missing.Sequence {
				known.Point, known.Sequence = missing.Point, missing.Sequence
			}
		}
	}

	list := make([]KnownApp, 0, len(byKey))
	for _, known := range byKey {
		for _, r := range retired {
			known.Retired = known.Retired || r.Name == known.String() && known.Sequence <= r.Sequence
		}
		list = append(list, *known)
	}
	slices.SortFunc(list, func(a, b KnownApp) int { return strings.Compare(a.String(), b.String()) })
	return list
}

// missingFrom are the known applications that are neither in a point nor retired.
func missingFrom(known []KnownApp, held []appbur.AppKey) []appbur.MissingApp {
	var missing []appbur.MissingApp
	for _, app := range known {
		if !app.Retired && !slices.Contains(held, app.AppKey) {
			missing = append(missing, appbur.MissingApp{AppKey: app.AppKey, Point: app.Point, Sequence: app.Sequence})
		}
	}
	return missing
}

// ErrUnknownApp means that no restore point knows an application.
var ErrUnknownApp = errors.New("no restore point knows this application")

// Retired are the retirements of the configuration.
func (c Config) Retired() []Retirement {
	if c.Applications == nil {
		return nil
	}
	return c.Applications.Retired
}

// Retire returns the text of a configuration in which an application is retired.
// Retirements that a later point has ended are left out of it.
func (c Config) Retire(app appbur.AppKey, known []KnownApp) ([]byte, error) {
	at := slices.IndexFunc(known, func(k KnownApp) bool { return k.AppKey == app })
	if at < 0 {
		return nil, fmt.Errorf("%w: %s", ErrUnknownApp, app)
	}
	list := []Retirement{{app.String(), known[at].Sequence}}
	for _, r := range c.Retired() {
		ended := slices.ContainsFunc(known, func(k KnownApp) bool { return k.String() == r.Name && !k.Retired })
		if !ended && r.Name != app.String() {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b Retirement) int { return cmp.Compare(a.Name, b.Name) })

	text, err := yaml.Marshal(list)
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", appbur.RepositoryFile, err)
	}
	return c.With("applications.retired", string(text))
}
