package restore

import (
	"slices"
	"strings"
	"testing"

	"github.com/appbur/appbur/pkg/manifest"
)

// What a restore will touch is what it then changes, deletes and makes: nothing where all is as planned.
func TestTouchIsWhatARestoreDoes(t *testing.T) {
	for name, test := range map[string]struct {
		live            []string
		changed, absent string
	}{
		"as planned": {[]string{hamletSettings, `{apiVersion: v1, kind: Namespace, metadata: {name: v}}`}, "", ""},
		"missing":    {[]string{`{apiVersion: v1, kind: Namespace, metadata: {name: v}}`}, "", "ConfigMap/v/settings"},
		"changed": {
			[]string{strings.Replace(hamletSettings, "a: b", "a: c", 1), `{apiVersion: v1, kind: Namespace, metadata: {name: v}}`},
			"ConfigMap/v/settings", "",
		},
		"added": {
			[]string{hamletSettings, hamletExtra, `{apiVersion: v1, kind: Namespace, metadata: {name: v}}`}, "ConfigMap/v/extra", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHamlet(t, test.live...)
			h.prune(t)
			var changed, absent []string
			touched, err := Touch(t.Context(), h.plan, h, manifest.Default(), func(live map[string]any) error {
				id, err := manifest.IDOf(live)
				changed = append(changed, id.String())
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range touched.Absent {
				absent = append(absent, m.Object.String())
			}
			if strings.Join(changed, " ") != test.changed || strings.Join(absent, " ") != test.absent {
				t.Errorf("changed %q, absent %q", changed, absent)
			}

			report, err := Apply(t.Context(), h.plan, h, nil)
			if err != nil {
				t.Fatal(err)
			}
			var did []string
			for _, o := range report.Outcomes {
				if o.Result != Unchanged {
					did = append(did, o.Object.String())
				}
			}
			if !slices.Equal(did, append(changed, absent...)) {
				t.Errorf("foretold %q and %q, did %q", changed, absent, did)
			}
		})
	}
}
