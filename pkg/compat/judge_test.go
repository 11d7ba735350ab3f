package compat

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/appbur/appbur"
)

// TestEveryTypeOnEveryRelease holds the promises for the smallest object of every
// type that ever was, on every release from 1.16 to beyond the newest.
func TestEveryTypeOnEveryRelease(t *testing.T) {
	t.Parallel()
	for gvk := range lifecycle().lives {
		obj := map[string]any{"apiVersion": gvk.APIVersion(), "kind": gvk.Kind, "metadata": map[string]any{"name": "x"}}
		for minor := 16; minor <= 44; minor++ {
			target := TableTarget(appbur.KubeVersion{Major: 1, Minor: minor})
			verdict := Judge(obj, target)
			if verdict.Reason == "" {
				t.Fatalf("%s on 1.%d: a verdict without a reason: %+v", gvk, minor, verdict)
			}
			converted, err := Convert(obj, verdict, target)
			if verdict.Creatable() != (err == nil) {
				t.Fatalf("%s on 1.%d: verdict %s, Convert says %v", gvk, minor, verdict.Kind, err)
			}

			if err != nil {
				continue
			}
			to, _ := GVKOf(converted)
			if target.Serves(to.Group, to.Version, to.Kind) != Yes {
				t.Fatalf("%s on 1.%d became %s, which is not served", gvk, minor, to)
			}
			holdPromises(t, obj, converted, verdict, target)
		}
	}
}

// TestConvertibleWhereReplaced: a removed version with a stable replacement is
// convertible there, or says by an ending why it is not.
func TestConvertibleWhereReplaced(t *testing.T) {
	t.Parallel()
	// Kinds that no server stores, so that none is ever saved.
	unstored := []string{
		"Scale", "Eviction", "TokenReview", "SubjectAccessReview", "LocalSubjectAccessReview", "SelfSubjectAccessReview",
		"SelfSubjectRulesReview", "SelfSubjectReview",
	}

	for gvk, life := range lifecycle().lives {
		if life.Replacement == (GroupVersionKind{}) || life.Removed.IsZero() || slices.Contains(unstored, gvk.Kind) {
			continue
		}
		if _, ended := endings[gvk.GroupKind()]; ended {
			continue
		}
		obj := map[string]any{"apiVersion": gvk.APIVersion(), "kind": gvk.Kind, "metadata": map[string]any{"name": "x"}}
		target := TableTarget(appbur.KubeVersion{Major: 1, Minor: 44})
		if v := Judge(obj, target); !v.Creatable() {
			t.Errorf("%s has the replacement %s and is %s: %s", gvk, life.Replacement, v.Kind, v.Reason)
		}
	}
}

func TestTableRowsAreComplete(t *testing.T) {
	t.Parallel()
	for _, row := range conversionTable {
		if row.rule == "" || row.reason == "" || row.source == "" {
			t.Errorf("conversion %s %v: rule, reason and source are required", row.from, row.kinds)
		}
		if row.apply == nil && row.rule != "rename" {
			t.Errorf("conversion %s %v has no function and is not called rename", row.from, row.kinds)
		}
		for _, kind := range row.kinds {
			for _, apiVersion := range []string{row.from, row.to} {
				gvk, ok := GVKOf(map[string]any{"apiVersion": apiVersion, "kind": kind})
				if _, known := Lifecycle(gvk); !ok || !known {
					t.Errorf("conversion %s -> %s: the lifecycle table has no %s %s", row.from, row.to, apiVersion, kind)
				}
			}
		}
	}

	for _, f := range fixups {
		if f.rule == "" || f.reason == "" || f.source == "" || f.since.IsZero() {
			t.Errorf("fix-up %q: rule, reason, source and since are required", f.rule)
		}
		for _, gk := range f.kinds {
			if !builtIn(gk) {
				t.Errorf("fix-up %q names %s, which the lifecycle table does not have", f.rule, gk)
			}
		}
	}

	for gk := range podTemplates {
		if !builtIn(gk) {
			t.Errorf("pod template of %s, which the lifecycle table does not have", gk)
		}
	}

	for gk, end := range endings {
		if !builtIn(gk) || end.reason == "" || end.hint == "" {
			t.Errorf("ending of %s is incomplete or of no built-in kind", gk)
		}
	}
}

func TestConvertRefusesAnotherVerdict(t *testing.T) {
	t.Parallel()
	target := TableTarget(appbur.KubeVersion{Major: 1, Minor: 37})
	obj := map[string]any{"apiVersion": "v1", "kind": "ConfigMap"}
	if _, err := Convert(obj, Verdict{Kind: Served, APIVersion: "apps/v1"}, target); !errors.Is(err, ErrOtherVerdict) {
		t.Errorf("got %v, want ErrOtherVerdict", err)
	}
	psp := map[string]any{"apiVersion": "policy/v1beta1", "kind": "PodSecurityPolicy"}
	_, err := Convert(psp, Judge(psp, target), target)
	if !errors.Is(err, ErrBlocked) || appbur.HintOf(err) == "" {
		t.Errorf("got %v with hint %q, want ErrBlocked with a hint", err, appbur.HintOf(err))
	}
	custom := map[string]any{"apiVersion": "example.com/v1", "kind": "Widget"}
	if _, err := Convert(custom, Judge(custom, target), target); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v, want ErrUnknown", err)
	}
}

// TestHostileObjects: objects of any shape, with keys that rules look for, never
// panic, are never modified, and keep the promises.
func TestHostileObjects(t *testing.T) {
	t.Parallel()
	var sources []GroupVersionKind
	for gvk := range lifecycle().lives {
		if builtIn(gvk.GroupKind()) {
			sources = append(sources, gvk)
		}
	}

	slices.SortFunc(sources, func(a, b GroupVersionKind) int { return strings.Compare(a.String(), b.String()) })
	keys := []string{
		"spec", "metadata", "annotations", "labels", "template", "jobTemplate", "selector", "matchLabels", "matchExpressions",
		"backend", "serviceName", "servicePort", "rules", "http", "paths", "webhooks", "sideEffects", "name", "kind", "apiVersion",
		"versions", "version", "schema", "openAPIV3Schema", "properties", "preserveUnknownFields", "items", "type", "validation",
		"metrics", "resource", "object", "metricName", "target", "subjects", "apiGroups", "resources", "limited", "devices",
		"requests", "exactly", "containers", "volumes", "gitRepo", "affinity", "nodeAffinity", "tolerations", "key", "schedule",
		"scaleTargetRef", "endpoints", "topology", "externalIPs", "ipBlock", "ingress", "from", "cidr", "group", "conversion",
		"strategy", "basic", "additionalPrinterColumns", "anyOf", "not", "metadata", "topology.kubernetes.io/zone",
		"seccomp.security.alpha.kubernetes.io/pod", "autoscaling.alpha.kubernetes.io/behavior",
		"container.apparmor.security.beta.kubernetes.io/x",
	}

	scalars := []any{
		nil, true, int64(0), int64(3), 1.5, "", "x", "extensions", "v1beta1", "TZ=UTC * * * * *", "010.0.0.1", "10.0.0.1/8",
		"runtime/default", "{}", `{"A":[{"B":1}]}`, "*", "Webhook", "RollingUpdate",
	}

	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		return rapid.Custom(func(t *rapid.T) any {
			shape := rapid.IntRange(0, 5).Draw(t, "shape")
			switch {
			case depth == 0 || shape == 0:
				return rapid.SampledFrom(scalars).Draw(t, "scalar")
			case shape == 1:
				return rapid.SliceOfN(value(depth-1), 0, 3).Draw(t, "list")
			default:
				return rapid.MapOfN(rapid.SampledFrom(keys), value(depth-1), 0, 6).Draw(t, "map")
			}
		})
	}

	rapid.Check(t, func(rt *rapid.T) {
		obj := rapid.MapOfN(rapid.SampledFrom(keys), value(6), 0, 6).Draw(rt, "object")
		gvk := rapid.SampledFrom(sources).Draw(rt, "type")
		obj["apiVersion"], obj["kind"] = gvk.APIVersion(), gvk.Kind
		target := WithSource(TableTarget(appbur.KubeVersion{Major: 1, Minor: rapid.IntRange(16, 40).Draw(rt, "minor")}),
			appbur.KubeVersion{Major: 1, Minor: rapid.IntRange(14, 30).Draw(rt, "from")})
		checkObject(rt, obj, target)
	})
}

type failer interface {
	Fatalf(format string, args ...any)
}

// checkObject checks the promises that hold for objects of any shape.
func checkObject(t failer, obj map[string]any, target Target) {
	before := cloneObject(obj)
	verdict := Judge(obj, target)
	if diff := cmp.Diff(before, obj); diff != "" {
		t.Fatalf("Judge modified its input:\n%s", diff)
	}
	if other := Judge(obj, target); !cmp.Equal(verdict, other) {
		t.Fatalf("two judgements differ:\n%s", cmp.Diff(verdict, other))
	}

	converted, err := Convert(obj, verdict, target)
	if verdict.Creatable() != (err == nil) {
		t.Fatalf("verdict %s, Convert says %v", verdict.Kind, err)
	}
	if err != nil {
		return
	}
	again := Judge(converted, target)
	if again.Kind != Served || len(again.Changes) > 0 {
		t.Fatalf("the result is judged %s after %+v:\n%+v\nin: %s\nout: %s", again.Kind, verdict, again, dump(obj), dump(converted))
	}
	if diff := cmp.Diff(before, obj); diff != "" {
		t.Fatalf("Convert modified its input:\n%s", diff)
	}
}

func dump(obj map[string]any) string {
	data, err := json.Marshal(obj)
	if err != nil {
		return fmt.Sprint(obj)
	}
	return string(data)
}

func FuzzJudge(f *testing.F) {
	f.Add([]byte(`{"apiVersion":"extensions/v1beta1","kind":"Ingress","spec":{"backend":{"serviceName":"a","servicePort":80}}}`), uint8(37))
	f.Add([]byte(`{"apiVersion":"apiextensions.k8s.io/v1beta1","kind":"CustomResourceDefinition","spec":{"group":"a.k8s.io","version":"v1","validation":{"openAPIV3Schema":{"properties":{"a":{"anyOf":[{"type":"string"},{"type":"integer"}]}}}}}}`), uint8(30))
	f.Add([]byte(`{"apiVersion":"autoscaling/v2beta1","kind":"HorizontalPodAutoscaler","metadata":{"annotations":{"autoscaling.alpha.kubernetes.io/behavior":"{}"}},"spec":{"metrics":[{"pods":{"metricName":"x","targetAverageValue":"1"}}]}}`), uint8(26))
	f.Add([]byte(`{"apiVersion":"batch/v1beta1","kind":"CronJob","spec":{"schedule":"TZ=UTC 0 0 * * *"}}`), uint8(25))
	f.Add([]byte(`{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","spec":{"ingress":[{"from":[{"ipBlock":{"cidr":"::ffff:010.0.0.1/104"}}]}]}}`), uint8(36))
	f.Fuzz(func(t *testing.T, data []byte, minor uint8) {
		var obj map[string]any
		if json.Unmarshal(data, &obj) != nil || obj == nil {
			return
		}
		checkObject(t, obj, TableTarget(appbur.KubeVersion{Major: 1, Minor: int(minor)}))
	})
}
