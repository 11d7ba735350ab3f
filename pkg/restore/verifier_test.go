package restore

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// A target is looked at until it is as the plan says and ready, or the time is over.
func TestVerifySettles(t *testing.T) {
	for name, tt := range map[string]struct {
		settle, available time.Duration
		paused            string
		findings          int
		took              time.Duration
	}{
		"at once":         {0, time.Hour, "", 2, 0},
		"in time":         {time.Minute, 9 * time.Second, "", 0, 10 * time.Second},
		"not in time":     {time.Minute, time.Hour, "", 2, time.Minute},
		"paused ones not": {0, time.Hour, "web", 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				plan, err := phased(t)
				if err != nil {
					t.Fatal(err)
				}
				cluster := newFaultyCluster()
				if _, err := Apply(t.Context(), plan, cluster, nil); err != nil {
					t.Fatal(err)
				}
				available(cluster, tt.available)
				began := time.Now()
				v := Verifier{Cluster: cluster, Rules: manifest.Default(), Ready: true, Settle: tt.settle}
				if tt.paused != "" {
					v.Paused = append(v.Paused, appbur.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "market", Name: tt.paused})
				}
				found, err := v.Verify(t.Context(), plan)
				if err != nil || len(found.Findings) != tt.findings {
					t.Fatalf("%+v (%v)", found.Findings, err)
				}
				if took := time.Since(began); took != tt.took {
					t.Errorf("it took %s", took)
				}
				for _, f := range found.Findings {
					if f.Kind != FindingNotReady || f.What != "is InProgress: Deployment not Available" {
						t.Errorf("%+v", f)
					}
				}
				if (found.Looks > 0) != (tt.settle > 0) {
					t.Errorf("%d looks", found.Looks)
				}
			})
		})
	}
}
