package manifest

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/randfill"
)

// TestReassembleBuiltInTypes fills every type that Kubernetes has with random values
// and checks the property, and that what Encode writes is read back by all readers.
func TestReassembleBuiltInTypes(t *testing.T) {
	filler := randfill.NewWithSeed(20261121).NilChance(0.3).NumElements(0, 2).MaxDepth(12).Funcs(fillers()...)
	fills, checked := 3, 0
	if testing.Short() {
		fills = 1
	}

	for gvk := range scheme.Scheme.AllKnownTypes() {
		if gvk.Version == runtime.APIVersionInternal {
			continue
		}
		typed, err := scheme.Scheme.New(gvk)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := typed.(metav1.Object); !ok {
			continue // lists, options
		}
		t.Run(strings.ReplaceAll(gvk.GroupVersion().String(), "/", "_")+"_"+gvk.Kind, func(t *testing.T) {
			for range fills {
				filler.Fill(typed)
				typed.GetObjectKind().SetGroupVersionKind(gvk)
				typed.(metav1.Object).SetName("n")
				obj := unstructuredOf(t, typed)
				checkReassemble(t, Default(), obj)
				checkEncode(t, obj)
			}
		})
		checked++
	}

	if checked < 150 {
		t.Errorf("only %d types were checked", checked)
	}
}

func unstructuredOf(t *testing.T, typed runtime.Object) map[string]any {
	t.Helper()
	data, err := json.Marshal(typed)
	if err != nil {
		t.Fatal(err)
	}
	obj, err := Decode(data)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return obj
}

// fillers fill the types whose every value would not be legal.
func fillers() []any {
	texts := disputed
	return []any{
		func(s *string, c randfill.Continue) {
			*s = texts[c.Intn(len(texts))]
			if c.Bool() {
				*s = c.String(12)
			}
			*s = strings.ToValidUTF8(*s, "?")
		},
		func(f *float64, c randfill.Continue) { *f = math.Round(c.Float64()*1e6) / 1e3 },
		func(v *metav1.Time, c randfill.Continue) {
			if c.Bool() {
				*v = metav1.Unix(c.Int63n(1<<32), 0)
			}
		},
		func(v *metav1.MicroTime, c randfill.Continue) {
			*v = metav1.MicroTime{Time: metav1.Unix(c.Int63n(1<<32), 0).Time}
		},
		func(v *resource.Quantity, c randfill.Continue) {
			*v = resource.MustParse([]string{"0", "100m", "1Gi", "1.5", "1e3", "500M", "12E"}[c.Intn(7)])
		},
		func(v *intstr.IntOrString, c randfill.Continue) {
			*v = []intstr.IntOrString{intstr.FromInt32(8080), intstr.FromString("http"), intstr.FromString("25%")}[c.Intn(3)]
		},
		func(v *runtime.RawExtension, c randfill.Continue) {
			v.Raw = []byte([]string{`{}`, `{"a":[1,2.5,"x",null]}`, `{"apiVersion":"a/v1","kind":"B"}`}[c.Intn(3)])
		},
		func(v *metav1.FieldsV1, _ randfill.Continue) { v.SetRawString(`{"f:spec":{}}`) },
		func(v *metav1.OwnerReference, c randfill.Continue) {
			*v = metav1.OwnerReference{APIVersion: "a/v1", Kind: "K", Name: "n", UID: types.UID("u")}
			if c.Bool() {
				yes := c.Bool()
				v.Controller, v.BlockOwnerDeletion = &yes, &yes
			}
		},
	}
}
