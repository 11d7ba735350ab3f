package restore

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// Of the kinds that are left out nothing of a status is left, in whatever way their kind keeps it,
// and the point that was read stays what it was.
func TestStatusOfChosenKinds(t *testing.T) {
	var point Point
	point.Index = make(map[appbur.ObjectID]manifest.Entry)
	for _, id := range []string{"Pump.example.org/ns/a", "Pump.example.org/ns/b", "Widget.example.org/ns/a", "ConfigMap/ns/a"} {
		object, err := appbur.ParseObjectID(id)
		if err != nil {
			t.Fatal(err)
		}
		point.Objects.Add(Object{ID: object, APIVersion: "v1", Content: map[string]any{}})
		if object.Group != "" {
			point.Index[object] = manifest.Entry{UID: id, Status: json.RawMessage(`{"phase":"Running"}`)}
		}
	}

	for name, test := range map[string]struct {
		keep        string
		left, notes string
	}{
		"all":  {keep: "Pump Widget", left: "Pump Pump Widget"},
		"some": {keep: "Widget", left: "Widget", notes: "the saved status of Pump.example.org (2) is not restored, as asked"},
		"none": {
			notes: "the saved status of Pump.example.org (2) is not restored, as asked; " +
				"the saved status of Widget.example.org (1) is not restored, as asked",
		},
	} {
		t.Run(name, func(t *testing.T) {
			changed := point.WithStatusOf(func(kind appbur.GroupKind) bool { return strings.Contains(test.keep, kind.Kind) })
			var left, notes []string
			for _, id := range changed.Objects.IDs() {
				if changed.Index[id].Status != nil {
					left = append(left, id.Kind)
				}
				if id.Group != "" && changed.Index[id].UID == "" {
					t.Errorf("%s has lost its uid", id)
				}
			}
			for _, note := range changed.Notes {
				notes = append(notes, note.What)
			}
			if strings.Join(left, " ") != test.left || strings.Join(notes, "; ") != test.notes {
				t.Errorf("%q, %q", left, notes)
			}
		})
	}
	if kinds := point.StatusKinds(); len(kinds) != 2 || kinds[0].Kind != "Pump" {
		t.Errorf("%v", kinds)
	}
}
