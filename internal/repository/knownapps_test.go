package repository

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur"
)

// holds is a point with applications; "!team/a@3" is one that is missing and that the
// point of sequence 3 held.
func holds(sequence int, apps ...string) appbur.RestorePoint {
	at := time.Date(2026, 11, 21, sequence, 0, 0, 0, time.UTC)
	p := appbur.RestorePoint{ID: appbur.NewRestorePointID(at, 0), Created: at, Sequence: sequence}
	for _, text := range apps {
		name, missing := strings.CutPrefix(text, "!")
		name, last, _ := strings.Cut(name, "@")
		key := appbur.AppKey{Namespace: "team", Name: strings.TrimPrefix(name, "team/")}
		if !missing {
			p.Apps = append(p.Apps, appbur.AppState{AppKey: key, App: key.Name, Version: "1"})
			continue
		}
		p.Missing = append(p.Missing, appbur.MissingApp{AppKey: key, Point: "20261120T000000Z", Sequence: int(last[0] - '0')})
	}
	return p
}

// retire notes that an application is not missed any more.
func (f *fixture) retire(repo *Repository, name string) {
	f.Helper()
	all, err := repo.Catalog(f.trusted())
	if err != nil {
		f.Fatal(err)
	}
	namespace, short, _ := strings.Cut(name, "/")
	text, err := repo.Config().Retire(appbur.AppKey{Namespace: namespace, Name: short}, KnownApps(all.Points, repo.Config().Retired()))
	if err != nil {
		f.Fatal(err)
	}
	if _, err := repo.SetConfig(f.Context(), f.keys, text, f.now()); err != nil {
		f.Fatal(err)
	}
}

func TestKnownApps(t *testing.T) {
	for _, test := range []struct {
		name    string
		points  []appbur.RestorePoint // newest first
		retired []Retirement
		want    []string
		missing []string // from a point without applications
	}{
		{name: "a first backup has no evidence"},
		{
			name: "what any point holds is known", points: []appbur.RestorePoint{holds(3, "team/b"), holds(2), holds(1, "team/a")},
			want: []string{"team/a 1", "team/b 3"}, missing: []string{"team/a", "team/b"},
		},
		{
			name: "the point that held it may be gone", points: []appbur.RestorePoint{holds(5, "!team/a@3")},
			want: []string{"team/a 3"}, missing: []string{"team/a"},
		},
		{
			name: "a retired one is not missed", points: []appbur.RestorePoint{holds(4, "!team/a@3"), holds(3, "team/a")},
			retired: []Retirement{{"team/a", 3}}, want: []string{"team/a 3 retired"},
		},
		{
			name: "one that came back is known again", points: []appbur.RestorePoint{holds(6, "team/a"), holds(3, "team/a")},
			retired: []Retirement{{"team/a", 3}}, want: []string{"team/a 6"}, missing: []string{"team/a"},
		},
		{
			name: "and stays known when that point is gone", points: []appbur.RestorePoint{holds(7, "!team/a@6"), holds(3, "team/a")},
			retired: []Retirement{{"team/a", 3}}, want: []string{"team/a 6"}, missing: []string{"team/a"},
		},
		{
			name: "a backup that began before the retirement ends it not", points: []appbur.RestorePoint{holds(8, "!team/a@3"), holds(3, "team/a")},
			retired: []Retirement{{"team/a", 3}}, want: []string{"team/a 3 retired"},
		},
		{
			name: "points of older releases have no sequence", points: []appbur.RestorePoint{holds(0, "team/a")},
			retired: []Retirement{{"team/a", 0}}, want: []string{"team/a 0 retired"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			known := KnownApps(test.points, test.retired)
			var got, missing []string
			for _, app := range known {
				text := app.String() + " " + string(rune('0'+app.Sequence))
				if app.Retired {
					text += " retired"
				}
				got = append(got, text)
			}

			for _, app := range missingFrom(known, nil) {
				missing = append(missing, app.String())
			}
			if !slices.Equal(got, test.want) || !slices.Equal(missing, test.missing) {
				t.Errorf("known %v, want %v; missing %v, want %v", got, test.want, missing, test.missing)
			}
		})
	}
}

// Whoever can push can make points that hold any application. They make no backup
// partial.
func TestForgedPointsMakeNoAppKnown(t *testing.T) {
	f := newFixture(t)
	genuine := f.mark("a")
	f.forge(genuine, "20270101T000000Z")
	f.git("tag", "-d", genuine.Tag())
	f.reopen()

	if all, err := f.repo.Catalog(nil); err != nil || len(KnownApps(all.Points, nil)) != 1 {
		t.Fatalf("the forged point holds no application: %v", err)
	}
	if point := f.describe(f.point()); point.Partial || len(point.Missing) > 0 {
		t.Errorf("missing are %v", point.Missing)
	}
}

// A writer that began before an application was retired goes on, and keeps what was
// noted meanwhile.
func TestRetiringStopsNoWriter(t *testing.T) {
	f := newFixture(t)
	f.mark("a")
	other, err := Open(f.repo.Dir())
	if err != nil {
		t.Fatal(err)
	}
	writer := f.begin()
	f.list(writer, map[string]string{"secret-new": "MQ=="})

	f.retire(other, "team/a")
	if _, err := writer.Commit(t.Context(), f.now(), appbur.Coverage{}); err != nil {
		t.Fatal(err)
	}

	f.reopen()
	if point := f.describe(f.point()); point.Partial || len(f.repo.Config().Retired()) != 1 {
		t.Errorf("partial %v, retired %v", point.Partial, f.repo.Config().Retired())
	}
}

func TestRetirementsAreChecked(t *testing.T) {
	f := newFixture(t)
	for value, want := range map[string]string{
		"[{name: fleet, sequence: 1}]":                                 "NAMESPACE/NAME",
		"[{name: a/b/c, sequence: 1}]":                                 "NAMESPACE/NAME",
		"[{name: a/b, sequence: -1}]":                                  "less than 0",
		"[{name: a/b, sequence: 1}, {name: a/b, sequence: 2}]":         "twice",
		"[{name: a/b, sequenze: 1}]":                                   "sequenze",
		"[{name: a/b, sequence: 1}, {name: team/fleet, sequence: 0 }]": "",
	} {
		text, err := f.repo.Config().With("applications.retired", value)
		if err != nil {
			t.Fatal(err)
		}
		_, err = ParseConfig(text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", value, err, want)
		}
	}
}
