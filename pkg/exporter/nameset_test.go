package exporter

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
)

// FuzzRoll checks that what is written down is read back, in order.
func FuzzRoll(f *testing.F) {
	f.Add("a", "b", "a", "bc", "", "x")
	f.Add("", "system:node", "", "system:node-proxier", "", "")
	f.Add("ns", "ä/ö", "ns", "ä", "ns2", "")

	f.Fuzz(func(t *testing.T, ns1, name1, ns2, name2, ns3, name3 string) {
		want := []appbur.ObjectID{
			{Kind: "A", Namespace: ns1, Name: name1}, {Kind: "A", Namespace: ns2, Name: name2}, {Kind: "A", Namespace: ns3, Name: name3},
		}
		for _, id := range want {
			if strings.Contains(id.Namespace, "/") {
				return // no name of a namespace has one
			}
		}
		var r nameSet
		for _, id := range want {
			r.add(id)
			r.add(appbur.ObjectID{Group: "g", Kind: "B", Name: id.Name})
		}
		var got []appbur.ObjectID
		r.each(func(id appbur.ObjectID) {
			if id.Kind == "A" {
				got = append(got, id)
			}
		})
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}
