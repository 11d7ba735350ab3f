package exporter

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/appbur/appbur"
)

func TestChooseTypes(t *testing.T) {
	all := metav1.Verbs{"create", "get", "list", "watch"}
	list := func(gv string, resources ...metav1.APIResource) *metav1.APIResourceList {
		return &metav1.APIResourceList{GroupVersion: gv, APIResources: resources}
	}
	kind := func(name, kind string, verbs metav1.Verbs) metav1.APIResource {
		return metav1.APIResource{Name: name, Kind: kind, Verbs: verbs, Namespaced: true}
	}
	definitions := map[schema.GroupResource]definition{
		{Group: "a.b", Resource: "things"}:   {kind: "Thing", stored: "v1beta1", versions: []string{"v1", "v1beta1"}, established: true},
		{Group: "a.b", Resource: "unserved"}: {kind: "Unserved", stored: "v9", versions: []string{"v1"}, established: true},
	}

	for _, tt := range []struct {
		name  string
		lists []*metav1.APIResourceList
		want  []string
	}{
		{"most stable version", []*metav1.APIResourceList{
			list("autoscaling/v2beta2", kind("hpas", "HPA", all)), list("autoscaling/v1", kind("hpas", "HPA", all)),
			list("autoscaling/v2", kind("hpas", "HPA", all)), list("autoscaling/v3alpha1", kind("hpas", "HPA", all)),
		}, []string{"hpas.v2.autoscaling"}},
		{"the kind decides, not the group", []*metav1.APIResourceList{
			list("policy/v1", kind("pdbs", "PDB", all)), list("policy/v1beta1", kind("pdbs", "PDB", all), kind("psps", "PSP", all)),
		}, []string{"pdbs.v1.policy", "psps.v1beta1.policy"}},
		{"cohabiting groups", []*metav1.APIResourceList{
			list("extensions/v1beta1", kind("ingresses", "Ingress", all), kind("deployments", "Deployment", all)),
			list("networking.k8s.io/v1beta1", kind("ingresses", "Ingress", all)),
		}, []string{"deployments.v1beta1.extensions", "ingresses.v1beta1.networking.k8s.io"}},
		{"subresources and what cannot be created", []*metav1.APIResourceList{
			list("v1", kind("pods", "Pod", all), kind("pods/status", "Pod", all), kind("bindings", "Binding", metav1.Verbs{"create"}),
				kind("componentstatuses", "ComponentStatus", metav1.Verbs{"get", "list"})),
		}, []string{"pods.v1"}},
		{"custom resources at their storage version", []*metav1.APIResourceList{
			list("a.b/v1", kind("things", "Thing", all), kind("unserved", "Unserved", all)), list("a.b/v1beta1", kind("things", "Thing", all)),
		}, []string{"things.v1beta1.a.b", "unserved.v1.a.b"}},
		{"custom resources that are being deleted", []*metav1.APIResourceList{
			list("a.b/v1beta1", kind("things", "Thing", metav1.Verbs{"get", "list", "watch"})),
		}, []string{"things.v1beta1.a.b"}},
		{"not at another version while the storage version is missing", []*metav1.APIResourceList{
			list("a.b/v1", kind("things", "Thing", all)),
		}, nil},
		{"one kind under two names", []*metav1.APIResourceList{
			list("a.b/v1", kind("zs", "Z", all), kind("as", "Z", all)),
		}, []string{"as.v1.a.b"}},
		{"a group version that cannot be read", []*metav1.APIResourceList{list("a/b/c", kind("x", "X", all))}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			types, _ := chooseTypes(tt.lists, &witnesses{definitions: definitions}, nil)
			for _, each := range types {
				got = append(got, each.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("types (-want +got):\n%s", diff)
			}
		})
	}
}

// TestVersionsAreSettled checks that a kind is not read at another version, or under
// an older group, while the place where it belongs cannot be seen.
func TestVersionsAreSettled(t *testing.T) {
	all := metav1.Verbs{"create", "get", "list", "watch"}
	list := func(gv, name, kind string) *metav1.APIResourceList {
		return &metav1.APIResourceList{GroupVersion: gv, APIResources: []metav1.APIResource{{Name: name, Kind: kind, Verbs: all}}}
	}
	lists := []*metav1.APIResourceList{
		list("autoscaling/v1", "hpas", "HPA"), list("extensions/v1beta1", "ingresses", "Ingress"),
		list("a.b/v1", "things", "Thing"),
	}

	for _, tt := range []struct {
		name   string
		failed []appbur.GroupFailure
		w      witnesses
		want   []string
	}{
		{"nothing fails", nil, witnesses{}, []string{"things.v1.a.b", "hpas.v1.autoscaling", "ingresses.v1beta1.extensions"}},
		{
			"a better version fails",
			[]appbur.GroupFailure{{GroupVersion: "autoscaling/v2"}},
			witnesses{},
			[]string{"things.v1.a.b", "ingresses.v1beta1.extensions"},
		},
		{
			"a worse version fails",
			[]appbur.GroupFailure{{GroupVersion: "autoscaling/v2beta2"}},
			witnesses{},
			[]string{"things.v1.a.b", "hpas.v1.autoscaling", "ingresses.v1beta1.extensions"},
		},
		{
			"the newer group fails",
			[]appbur.GroupFailure{{GroupVersion: "networking.k8s.io/v1"}},
			witnesses{},
			[]string{"things.v1.a.b", "hpas.v1.autoscaling"},
		},
		{"the definition moved on", nil, witnesses{definitions: map[schema.GroupResource]definition{
			{Group: "a.b", Resource: "things"}: {kind: "Thing", stored: "v2", versions: []string{"v1", "v2"}},
		}}, []string{"hpas.v1.autoscaling", "ingresses.v1beta1.extensions"}},
	} {
		types, _ := chooseTypes(lists, &tt.w, tt.failed)
		var got []string
		for _, each := range types {
			got = append(got, each.String())
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// TestHoles checks that what is registered or defined and not discovered is a hole.
func TestHoles(t *testing.T) {
	core := &metav1.APIResourceList{GroupVersion: "v1", APIResources: []metav1.APIResource{{Name: "pods"}}}
	local, remote := registration{}, registration{backend: "ns/name", unavailable: "MissingEndpoints: no endpoints"}
	refused := &apierrors.StatusError{ErrStatus: metav1.Status{Code: 403, Reason: metav1.StatusReasonForbidden, Message: "no"}}

	gv := func(group, version string) schema.GroupVersion {
		return schema.GroupVersion{Group: group, Version: version}
	}
	for _, tt := range []struct {
		name   string
		lists  []*metav1.APIResourceList
		failed []appbur.GroupFailure
		w      witnesses
		want   []appbur.GroupFailure
	}{
		{"nothing", []*metav1.APIResourceList{core}, nil, witnesses{}, nil},
		{"no core group", nil, nil, witnesses{}, []appbur.GroupFailure{{GroupVersion: "v1", Reason: "discovery lists no types of it"}}},
		{
			"an empty group version",
			[]*metav1.APIResourceList{core, {GroupVersion: "apps/v1"}},
			nil,
			witnesses{},
			[]appbur.GroupFailure{{GroupVersion: "apps/v1", Reason: "discovery lists no types of it"}},
		},
		{
			"a built-in group is missing",
			[]*metav1.APIResourceList{core},
			nil,
			witnesses{registered: map[schema.GroupVersion]registration{gv("apps", "v1"): local}},
			[]appbur.GroupFailure{{GroupVersion: "apps/v1", Reason: "it is registered, but discovery does not list it"}},
		},
		{
			"a group without definitions is going",
			[]*metav1.APIResourceList{core},
			nil,
			witnesses{registered: map[schema.GroupVersion]registration{gv("a.b", "v1"): local}},
			nil,
		},
		{"a group with a definition is missing", []*metav1.APIResourceList{core}, nil, witnesses{
			registered:  map[schema.GroupVersion]registration{gv("a.b", "v1"): local},
			definitions: map[schema.GroupResource]definition{{Group: "a.b", Resource: "things"}: {versions: []string{"v1"}}},
		}, []appbur.GroupFailure{{GroupVersion: "a.b/v1", Reason: "it is registered, but discovery does not list it"}}},
		{
			"a backend is down",
			[]*metav1.APIResourceList{core},
			[]appbur.GroupFailure{{GroupVersion: "m.k/v1", Reason: "503"}},
			witnesses{registered: map[schema.GroupVersion]registration{gv("m.k", "v1"): remote}},
			[]appbur.GroupFailure{{
				GroupVersion: "m.k/v1",
				Reason:       "the aggregated API server behind it, Service ns/name, does not answer: MissingEndpoints: no endpoints",
			}},
		},
		{
			"definitions are forbidden",
			[]*metav1.APIResourceList{core},
			nil,
			witnesses{definitionsErr: refused},
			[]appbur.GroupFailure{{
				GroupVersion: EveryGroup,
				Reason:       "CustomResourceDefinitions cannot be listed, so which custom types exist is not known: the account may not read this: no",
			}},
		},
		{
			"registrations are forbidden",
			[]*metav1.APIResourceList{core},
			nil,
			witnesses{registeredErr: refused},
			[]appbur.GroupFailure{{
				GroupVersion: EveryGroup,
				Reason:       "APIServices cannot be listed, so what discovery leaves out is not known: the account may not read this: no",
			}},
		},
	} {
		if diff := cmp.Diff(tt.want, tt.w.holes(tt.lists, tt.failed)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestEstablished(t *testing.T) {
	crd := func(edit func(map[string]any)) map[string]any {
		obj := map[string]any{
			"metadata": map[string]any{},
			"spec": map[string]any{
				"group": "a.b", "names": map[string]any{"plural": "things", "kind": "Thing"},
				"versions": []any{map[string]any{"name": "v1", "served": true}, map[string]any{"name": "v2", "storage": true}},
			},
			"status": map[string]any{"conditions": []any{map[string]any{"type": "Established", "status": "True"}}},
		}
		edit(obj)
		return obj
	}

	for name, tt := range map[string]struct {
		obj  map[string]any
		want definition
	}{
		"established": {
			crd(func(map[string]any) {}),
			definition{kind: "Thing", stored: "v2", versions: []string{"v1"}, lossless: []string{"v1"}, established: true},
		},
		"being deleted": {
			crd(func(o map[string]any) { o["metadata"] = map[string]any{"deletionTimestamp": "x"} }),
			definition{kind: "Thing", stored: "v2", versions: []string{"v1"}, lossless: []string{"v1"}, established: true, deleting: true},
		},
		"not established": {
			crd(func(o map[string]any) { delete(o, "status") }),
			definition{kind: "Thing", stored: "v2", versions: []string{"v1"}, lossless: []string{"v1"}},
		},
	} {
		resource, got, ok := definitionOf(tt.obj)
		if !ok || !reflect.DeepEqual(got, tt.want) || resource.String() != "things.a.b" {
			t.Errorf("%s: %v %+v %v, want %+v", name, resource, got, ok, tt.want)
		}
	}

	if _, _, ok := definitionOf(map[string]any{}); ok {
		t.Error("something that is no definition was read as one")
	}
}

func TestExplain(t *testing.T) {
	answer := func(code int32, reason metav1.StatusReason) error {
		return fmt.Errorf("wrapped: %w", &apierrors.StatusError{ErrStatus: metav1.Status{Code: code, Reason: reason, Message: "m"}})
	}
	for _, tt := range []struct {
		name string
		err  error
		want error
	}{
		{"unauthorized", answer(401, metav1.StatusReasonUnauthorized), ErrUnauthorized},
		{"forbidden", answer(403, metav1.StatusReasonForbidden), ErrForbidden},
		{"unknown authority", &net.OpError{Err: x509.UnknownAuthorityError{}}, ErrCertificate},
		{"other host", x509.HostnameError{Certificate: &x509.Certificate{}}, ErrCertificate},
		{"refused", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, ErrUnreachable},
		{"no such host", &net.DNSError{Err: "no such host"}, ErrUnreachable},
		{"timeout", context.DeadlineExceeded, ErrUnreachable},
		{"plain http", http.ErrSchemeMismatch, ErrUnreachable},
	} {
		got := explain(tt.err)
		if !errors.Is(got, tt.want) || !errors.Is(got, tt.err) || appbur.HintOf(got) == "" {
			t.Errorf("%s: %v, want %v with a hint", tt.name, got, tt.want)
		}
	}

	for _, err := range []error{nil, context.Canceled, errors.New("other"), answer(500, metav1.StatusReasonInternalError)} {
		if got := explain(err); !errors.Is(got, err) || appbur.HintOf(got) != "" {
			t.Errorf("explain(%v) = %v", err, got)
		}
	}
}

func TestIsPassing(t *testing.T) {
	code := func(code int32) error { return &apierrors.StatusError{ErrStatus: metav1.Status{Code: code}} }
	for _, err := range []error{
		code(429), code(500), code(503), code(504), io.ErrUnexpectedEOF, &net.OpError{Err: syscall.ECONNRESET},
		context.DeadlineExceeded,
	} {
		if !isPassing(err) {
			t.Errorf("%v counts as final", err)
		}
	}
	for _, err := range []error{code(400), code(403), code(404), code(410), code(501), context.Canceled, errors.New("x")} {
		if isPassing(err) {
			t.Errorf("%v counts as passing", err)
		}
	}
}
