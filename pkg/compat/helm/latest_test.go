package helm

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/appbur/appbur"
)

func TestLatestIsWhereTheNextUpgradeStarts(t *testing.T) {
	t.Parallel()
	record := func(revision int, status string) Release {
		encoded := encode(t, []byte(releaseJSON("web", "shop", revision, status)))
		return mustRead(t, secretRecord("web", "shop", revision, status, encoded))
	}
	for name, test := range map[string]struct {
		history []Release
		want    int
	}{
		"superseded, then deployed":      {[]Release{record(1, "superseded"), record(2, "deployed")}, 2},
		"in the other order":             {[]Release{record(2, "deployed"), record(1, "superseded")}, 2},
		"a failed upgrade":               {[]Release{record(1, "superseded"), record(2, "deployed"), record(3, "failed")}, 2},
		"an upgrade under way":           {[]Release{record(2, "deployed"), record(3, "pending-upgrade")}, 2},
		"two deployed, after a race":     {[]Release{record(4, "deployed"), record(3, "deployed")}, 4},
		"nothing deployed":               {[]Release{record(9, "superseded"), record(10, "failed")}, 10},
		"uninstalled, its history kept":  {[]Release{record(1, "superseded"), record(2, "uninstalled")}, 2},
		"revisions are numbers, no text": {[]Release{record(9, "failed"), record(10, "failed")}, 10},
	} {
		t.Run(name, func(t *testing.T) {
			kept := Latest(test.history)
			if len(kept) != 1 || kept[0].Summary().Revision != test.want {
				t.Errorf("kept %+v, want revision %d", summaries(kept), test.want)
			}
		})
	}
}

func TestLatestTellsHistoriesApart(t *testing.T) {
	t.Parallel()
	encoded := func(namespace string) string {
		return encode(t, []byte(releaseJSON(namespace, "shop", 1, "deployed")))
	}
	kept := Latest([]Release{
		mustRead(t, secretRecord("web", "shop", 1, "deployed", encoded("web"))),
		mustRead(t, configMapRecord("web", "shop", 1, "deployed", encoded("web"))),
		mustRead(t, secretRecord("flux", "shop", 1, "deployed", encoded("api"))),
	})

	var records []string
	for _, r := range kept {
		records = append(records, r.Summary().Namespace+" in "+r.Record().String())
	}

	want := []string{
		"api in Secret/flux/sh.helm.release.v1.shop.v1",
		"web in ConfigMap/web/sh.helm.release.v1.shop.v1",
		"web in Secret/web/sh.helm.release.v1.shop.v1",
	}
	if diff := cmp.Diff(want, records); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	if got := Latest(nil); len(got) != 0 {
		t.Errorf("of nothing, %d are kept", len(got))
	}
}

// Any order and any steps give the same result.
func TestLatestMayBeAppliedInSteps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		history := rapid.SliceOf(rapid.Custom(func(t *rapid.T) Release {
			revision := rapid.IntRange(1, 5).Draw(t, "revision")
			name := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name")
			status := rapid.SampledFrom([]string{"deployed", "superseded", "failed"}).Draw(t, "status")
			// One record has one status, as in a cluster.
			return Release{
				record:  appbur.ObjectID{Kind: "Secret", Namespace: "n", Name: fmt.Sprintf("%s.v%d.%s", name, revision, status)},
				summary: appbur.HelmRelease{Namespace: "n", Name: name, Revision: revision, Status: status},
			}
		})).Draw(t, "history")

		want := summaries(Latest(history))
		if diff := cmp.Diff(want, summaries(Latest(rapid.Permutation(history).Draw(t, "shuffled")))); diff != "" {
			t.Errorf("another order keeps others:\n%s", diff)
		}
		at := rapid.IntRange(0, len(history)).Draw(t, "at")
		if diff := cmp.Diff(want, summaries(Latest(append(Latest(history[:at]), history[at:]...)))); diff != "" {
			t.Errorf("in steps, others are kept:\n%s", diff)
		}

		for _, s := range want {
			newer := func(r Release) bool {
				return r.summary.Name == s.Name && r.summary.Revision > s.Revision && r.summary.Status == s.Status
			}
			if slices.ContainsFunc(history, newer) {
				t.Errorf("revision %d of %s is not the newest %s one", s.Revision, s.Name, s.Status)
			}
		}
	})
}

func summaries(releases []Release) []appbur.HelmRelease {
	out := make([]appbur.HelmRelease, 0, len(releases))
	for _, r := range releases {
		out = append(out, r.Summary())
	}
	return out
}
