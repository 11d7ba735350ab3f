package helm

import (
	"fmt"
	"testing"

	"github.com/appbur/appbur/pkg/compat"
)

// What users of pluto reported about Helm: old revisions, and several that are deployed, made false alarms
// (https://github.com/FairwindsOps/pluto/issues/330, issues/512, issues/564). The revision that the next upgrade starts
// from is judged, and no other; and there an API version that is gone is no false alarm, although the live object is
// served in another one.
func TestOldRevisionsRaiseNoAlarm(t *testing.T) {
	t.Parallel()
	const gone, stays = "autoscaling/v2beta2", "autoscaling/v2"
	revision := func(number int, status, apiVersion string) Release {
		manifest := fmt.Sprintf("---\napiVersion: %s\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: shop\n", apiVersion)
		plain := fmt.Sprintf(`{"name":"shop","namespace":"web","version":%d,"info":{"status":%q},"manifest":%q}`, number, status, manifest)
		return mustRead(t, secretRecord("web", "shop", number, status, encode(t, []byte(plain))))
	}

	for name, test := range map[string]struct {
		history []Release
		alarm   bool
	}{
		"the old revision is superseded":         {[]Release{revision(1, "superseded", gone), revision(2, "deployed", stays)}, false},
		"both are deployed, after a race":        {[]Release{revision(1, "deployed", gone), revision(2, "deployed", stays)}, false},
		"the old one failed":                     {[]Release{revision(2, "deployed", stays), revision(3, "failed", gone)}, false},
		"the deployed one is what breaks":        {[]Release{revision(1, "superseded", stays), revision(2, "deployed", gone)}, true},
		"the deployed one, after a failed later": {[]Release{revision(1, "deployed", gone), revision(2, "failed", stays)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kept := Latest(test.history)
			if len(kept) != 1 {
				t.Fatalf("kept %d revisions", len(kept))
			}
			verdicts := Judge(kept[0], compat.TableTarget(kubeVersion(t, "1.26")))
			if len(verdicts) != 1 || (verdicts[0].AsWritten == compat.No) != test.alarm {
				t.Errorf("got %+v, want an alarm: %v", verdicts, test.alarm)
			}
		})
	}
}
