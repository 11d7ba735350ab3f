package restore

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/manifest"
)

// hamlet is a cluster of its own with a namespace of the point and what was added to it.
type hamlet struct {
	*faultyCluster
	plan *Plan
}

const hamletSettings = `{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: v}, data: {a: b}}`

// newHamlet has a point with v/settings in it, and added objects at these versions.
func newHamlet(t *testing.T, added ...string) hamlet {
	t.Helper()
	point := pointOf(t, decode(t, `{apiVersion: v1, kind: Namespace, metadata: {name: v}}`), decode(t, hamletSettings))
	point.Meta.Started = time.Date(2026, 11, 21, 3, 2, 38, 0, time.UTC)
	point.Covered = []CoveredKind{
		{"v1", "ConfigMap", true},
		{"v1", "Secret", true},
		{"v1", "PersistentVolumeClaim", true},
		{"apps/v1", "Deployment", true},
		{"example.org/v1", "Lake", true},
		{"v1", "Namespace", false},
		{groupRBAC + "/v1", "ClusterRole", false},
	}
	served := make(map[appbur.GroupKind][]string)
	for _, kind := range point.Covered {
		_, version, found := strings.Cut(kind.APIVersion, "/")
		if !found {
			version = kind.APIVersion
		}
		served[appbur.GroupKind{Group: groupOf(kind.APIVersion), Kind: kind.Kind}] = []string{version}
	}

	plan, err := NewPlan(point, compat.NewDiscoveryTarget(target.Version(), served), Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := hamlet{newFaultyCluster(), plan}
	h.clock = 100 // later than what is added
	h.add(t, `{apiVersion: v1, kind: Namespace, metadata: {name: kube-system, uid: source}}`)
	for _, object := range added {
		h.add(t, object)
	}
	return h
}

func (h hamlet) add(t *testing.T, object string) {
	t.Helper()
	content := decode(t, object)
	id, err := manifest.IDOf(content)
	if err != nil {
		t.Fatal(err)
	}
	uid := text(content, "metadata", "uid")
	if uid == "" {
		uid = id.String()
	}
	identity := Identity{UID: uid, ResourceVersion: "1", Terminating: text(content, "metadata", "deletionTimestamp") != ""}
	for _, owner := range list(content, "metadata", "ownerReferences") {
		identity.Owners = strings.TrimSpace(identity.Owners + " " + text(owner, "uid"))
	}
	h.objects[id] = &kept{identity: identity, content: content}
}

func (h hamlet) prune(t *testing.T) (prunes []string, left map[string]string) {
	t.Helper()
	if err := Prune(t.Context(), h.plan, h, manifest.Default()); err != nil {
		t.Fatal(err)
	}
	for _, step := range h.plan.Prunes() {
		prunes = append(prunes, step.Object.String())
	}
	left = make(map[string]string)
	for _, k := range h.plan.Kept {
		left[k.Object.String()] = k.Why
	}
	return prunes, left
}

func owned(object, owner string) string {
	return strings.Replace(object, "metadata: {", `metadata: {ownerReferences: [{apiVersion: v1, kind: X, name: x, uid: "`+owner+`"}], `, 1)
}

const (
	hamletLake  = `{apiVersion: example.org/v1, kind: Lake, metadata: {name: l, namespace: v}}`
	hamletExtra = `{apiVersion: v1, kind: ConfigMap, metadata: {name: extra, namespace: v}}`
	hamletWeb   = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: v}, spec: {}}`
	hamletKey   = `{apiVersion: v1, kind: Secret, metadata: {name: key, namespace: v}}`
)

// Custom resources are deleted before what may end their finalizers, workloads before what they
// use, and owners before what they own.
func TestPrunesAreOrdered(t *testing.T) {
	h := newHamlet(t, hamletExtra, hamletWeb, hamletLake, owned(hamletKey, "Lake.example.org/v/l"))
	got, _ := h.prune(t)
	want := []string{"Lake.example.org/v/l", "Deployment.apps/v/web", "ConfigMap/v/extra", "Secret/v/key"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	report, err := Apply(t.Context(), h.plan, h, nil)
	if err != nil || report.Counts.Deleted != 4 {
		t.Errorf("%v, %+v", err, report.Counts)
	}
}

// What a prune leaves, with the reason.
func TestAPruneLeavesWhatIsNotItsOwn(t *testing.T) {
	for name, test := range map[string]struct {
		object, id, why string
	}{
		"a namespace": {`{apiVersion: v1, kind: Namespace, metadata: {name: m}}`, "Namespace/m", "would go with it"},
		"data": {
			`{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: d, namespace: v}}`, "PersistentVolumeClaim/v/d", "it holds data",
		},
		"what is older than the point": {
			`{apiVersion: v1, kind: ConfigMap, metadata: {name: o, namespace: v, creationTimestamp: "2026-11-21T03:02:37Z"}}`, "ConfigMap/v/o", "older",
		},
		"what a control plane makes": {
			`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: "kubeadm:x"}}`,
			"ClusterRole.rbac.authorization.k8s.io/kubeadm:x", "the control plane makes it",
		},
		"what belongs to something that stays": {owned(hamletExtra, "elsewhere"), "ConfigMap/v/extra", "it belongs to X/x, which is not deleted"},
	} {
		t.Run(name, func(t *testing.T) {
			prunes, left := newHamlet(t, test.object).prune(t)
			if len(prunes) > 0 || !strings.Contains(left[test.id], test.why) {
				t.Errorf("deleted %q, left %v", prunes, left)
			}
		})
	}

	t.Run("what owns something that stays", func(t *testing.T) {
		h := newHamlet(t, hamletLake, owned(hamletExtra, "Lake.example.org/v/l"), owned(hamletSettings, "ConfigMap/v/extra"))
		prunes, left := h.prune(t)
		if len(prunes) > 0 || len(left) != 2 {
			t.Errorf("deleted %q, left %v", prunes, left)
		}
	})
	t.Run("in another cluster what is outside of namespaces", func(t *testing.T) {
		h := newHamlet(t, `{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: r}}`)
		h.plan.Source.ID = "another"
		if prunes, left := h.prune(t); len(prunes)+len(left) > 0 {
			t.Errorf("deleted %q, left %v", prunes, left)
		}
	})
	t.Run("what a partial point lacks", func(t *testing.T) {
		h := newHamlet(t, hamletExtra)
		h.plan.partial = true
		if err := Prune(t.Context(), h.plan, h, manifest.Default()); !errors.Is(err, ErrPrunePartial) {
			t.Error(err)
		}
	})
}

// An object that was written since the plan is judged again; one of another uid is another object.
func TestWhatWasWrittenSinceThePlanIsJudgedAgain(t *testing.T) {
	extra := appbur.ObjectID{Kind: "ConfigMap", Namespace: "v", Name: "extra"}
	for name, test := range map[string]struct {
		meanwhile func(h hamlet)
		result    Result
		there     bool
	}{
		"written":         {func(h hamlet) { h.objects[extra].identity.ResourceVersion = "2" }, Deleted, false},
		"gone":            {func(h hamlet) { delete(h.objects, extra) }, Deleted, false},
		"another":         {func(h hamlet) { h.objects[extra].identity.UID = "other" }, Skipped, true},
		"owned since":     {func(h hamlet) { h.add(t, owned(hamletExtra, "y")); h.objects[extra].identity.ResourceVersion = "2" }, Skipped, true},
		"no longer saved": {func(h hamlet) { h.spoilAsLock(extra) }, Skipped, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHamlet(t, hamletExtra)
				h.prune(t)
				test.meanwhile(h)
				report, err := Apply(t.Context(), h.plan, h, nil)
				if err != nil {
					t.Fatal(err)
				}
				if o := outcomeOf(t, report, extra.String()); o.Result != test.result || (h.objects[extra] != nil) != test.there {
					t.Errorf("%s (%s), %v", o.Result, o.Reason, slices.Collect(maps.Keys(h.objects)))
				}
			})
		})
	}
}

// spoilAsLock makes an object one that the rules do not save.
func (h hamlet) spoilAsLock(id appbur.ObjectID) {
	k := h.objects[id]
	k.content = with(k.content, map[string]any{"control-plane.alpha.kubernetes.io/leader": "x"}, "metadata", "annotations")
	k.identity.ResourceVersion = "2"
}

// Nothing is deleted once something has failed.
func TestNothingIsDeletedAfterAFailure(t *testing.T) {
	h := newHamlet(t, hamletExtra, hamletLake)
	h.prune(t)
	h.fault = func(r Request, _ int) error {
		if r.Object.Name == "settings" {
			return fieldConflict()
		}
		return nil
	}
	report, err := Apply(t.Context(), h.plan, h, nil)
	if !errors.Is(err, ErrIncomplete) || report.Counts.Deleted != 0 || report.Counts.Skipped != 2 {
		t.Errorf("%v, %+v", err, report.Counts)
	}
}

// A custom resource that waits for its finalizers keeps what may end them from being deleted.
func TestWhatEndsFinalizersIsNotDeletedBeforeThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waiting := strings.Replace(hamletLake, "name: l", `name: l, deletionTimestamp: "2026-11-21T03:03:00Z", finalizers: [example.org/drain]`, 1)
		h := newHamlet(t, waiting, hamletWeb)
		h.prune(t)
		report, err := Apply(t.Context(), h.plan, h, nil)
		if !errors.Is(err, ErrIncomplete) || report.Counts.Deleted != 0 {
			t.Errorf("%v, %+v", err, report.Counts)
		}
		lake, web := outcomeOf(t, report, "Lake.example.org/v/l"), outcomeOf(t, report, "Deployment.apps/v/web")
		if !strings.Contains(lake.Reason, "example.org/drain") || web.Cause == nil {
			t.Errorf("%s; %s", lake.Reason, web.Reason)
		}
	})
}
