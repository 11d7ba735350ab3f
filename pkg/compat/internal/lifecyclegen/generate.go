package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensionsv1beta1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	apiregistrationv1beta1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1beta1"
)

// The lifecycle methods of the generated API types. No module exports an
// interface for them.
type (
	introduced  interface{ APILifecycleIntroduced() (major, minor int) }
	deprecated  interface{ APILifecycleDeprecated() (major, minor int) }
	removed     interface{ APILifecycleRemoved() (major, minor int) }
	replacement interface {
		APILifecycleReplacement() schema.GroupVersionKind
	}
)

// row is one line of the table, as package compat reads it.
type row struct {
	Group       string `json:"group"`
	Version     string `json:"version"`
	Kind        string `json:"kind"`
	Introduced  string `json:"introduced,omitempty"`
	Deprecated  string `json:"deprecated,omitempty"`
	Removed     string `json:"removed,omitempty"`
	Replacement string `json:"replacement,omitempty"` // group/version of the same kind
	Why         string `json:"why,omitempty"`         // rows that the overlay made or corrected
}

func (r row) gvk() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: r.Group, Version: r.Version, Kind: r.Kind}
}

// generate returns the table: sorted JSON, one row per line.
func generate() ([]byte, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		clientscheme.AddToScheme,
		apiextensionsv1.AddToScheme, apiextensionsv1beta1.AddToScheme,
		apiregistrationv1.AddToScheme, apiregistrationv1beta1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("registering API types: %w", err)
		}
	}

	rows := map[schema.GroupVersionKind]row{}
	for gvk, goType := range scheme.AllKnownTypes() {
		if r, ok := rowOf(gvk, goType); ok {
			rows[gvk] = r
		}
	}

	if err := applyOverlay(rows); err != nil {
		return nil, err
	}
	fillReplacements(rows)
	return encode(rows)
}

// rowOf describes one registered type. Only types with object metadata are
// objects; lists, options and the internal version are not.
func rowOf(gvk schema.GroupVersionKind, goType reflect.Type) (row, bool) {
	if gvk.Version == runtime.APIVersionInternal || strings.HasSuffix(gvk.Kind, "List") {
		return row{}, false
	}
	value := reflect.New(goType).Interface()
	if _, ok := value.(metav1.ObjectMetaAccessor); !ok {
		return row{}, false
	}
	r := row{Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind}

	if v, ok := value.(introduced); ok {
		r.Introduced = release(v.APILifecycleIntroduced())
	}
	if v, ok := value.(deprecated); ok {
		r.Deprecated = release(v.APILifecycleDeprecated())
	}
	if v, ok := value.(removed); ok {
		r.Removed = release(v.APILifecycleRemoved())
	}

	if v, ok := value.(replacement); ok {
		// A replacement of another kind is a typo in the tags (IngressClass names
		// IngressClassList), and is found again by fillReplacements.
		if to := v.APILifecycleReplacement(); to.Kind == gvk.Kind {
			r.Replacement = to.GroupVersion().String()
		}
	}

	return r, true
}

func release(major, minor int) string {
	if major == 0 {
		return ""
	}
	return fmt.Sprintf("%d.%d", major, minor)
}

// fillReplacements names the stable version of the same kind where the tags are
// silent about what comes after a deprecated version.
func fillReplacements(rows map[schema.GroupVersionKind]row) {
	for gvk, r := range rows {
		if r.Replacement != "" {
			if to, err := schema.ParseGroupVersion(r.Replacement); err == nil {
				if _, ok := rows[to.WithKind(gvk.Kind)]; ok {
					continue
				}
			}
			// apps/v1beta1 DeploymentRollback names an apps/v1 that never was.
			r.Replacement = ""
			rows[gvk] = r
		}

		if r.Removed == "" && r.Deprecated == "" {
			continue
		}
		stable := schema.GroupVersionKind{Group: gvk.Group, Version: "v1", Kind: gvk.Kind}
		if _, ok := rows[stable]; ok && stable != gvk {
			r.Replacement = stable.GroupVersion().String()
			rows[gvk] = r
		}
	}
}

func encode(rows map[schema.GroupVersionKind]row) ([]byte, error) {
	sorted := make([]row, 0, len(rows))
	for _, r := range rows {
		sorted = append(sorted, r)
	}
	slices.SortFunc(sorted, func(a, b row) int {
		return cmp.Or(strings.Compare(a.Group, b.Group), strings.Compare(a.Kind, b.Kind), strings.Compare(a.Version, b.Version))
	})
	var out bytes.Buffer
	out.WriteString("[\n")

	for i, r := range sorted {
		line, err := json.Marshal(r)
		if err != nil {
			return nil, fmt.Errorf("encoding %s: %w", r.gvk(), err)
		}
		out.WriteString("  ")
		out.Write(line)
		if i < len(sorted)-1 {
			out.WriteByte(',')
		}
		out.WriteByte('\n')
	}

	out.WriteString("]\n")
	return out.Bytes(), nil
}
