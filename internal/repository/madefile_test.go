package repository

import (
	"fmt"
	"testing"

	"github.com/appbur/appbur"
)

// What a restore made is stored in the one form of documents, although it is not written as a whole.
func TestWhatWasMadeIsADocumentLikeOthers(t *testing.T) {
	for objects := range 3 {
		m := made{Format: UndoFormat, Made: []MadeObject{}}
		for i := range objects {
			m.Made = append(m.Made, MadeObject{
				Object: appbur.ObjectID{Kind: "ConfigMap", Namespace: "<a>", Name: fmt.Sprint(i)}, APIVersion: "v1", UID: "u"[:i],
			})
		}
		want, err := encodeJSON(m)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := m.encode(); err != nil || string(got) != string(want) {
			t.Errorf("of %d objects got\n%s\nwant\n%s (%v)", objects, got, want, err)
		}

		u := Undo{Format: UndoFormat, ID: "20261130T100000Z", Apps: []string{"shop/orders"}, Absent: m.Made}
		if want, err = encodeJSON(u); err != nil {
			t.Fatal(err)
		}
		if got, err := u.encode(); err != nil || string(got) != string(want) {
			t.Errorf("before %d objects got\n%s\nwant\n%s (%v)", objects, got, want, err)
		}
	}
	if got, err := (made{Format: UndoFormat}).encode(); err != nil || string(got) != "{\n  \"format\": 1,\n  \"made\": []\n}\n" {
		t.Errorf("of nothing got %s (%v)", got, err)
	}
}
