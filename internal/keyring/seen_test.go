package keyring

import (
	"bytes"
	"testing"
	"time"

	"github.com/appbur/appbur/pkg/gitsync"
)

func FuzzParseSeen(f *testing.F) {
	f.Add(string(encodeSeen([]Seen{{
		Name: "main", Commit: gitsync.Hash(bytes.Repeat([]byte{0xaa}, 20)), At: time.Unix(1, 0),
		Repository: "0123",
	}})))
	f.Add("main x y z\n")
	f.Add("# only a remark")

	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseSeen([]byte(text))
		if err != nil {
			return
		}
		again, err := parseSeen(encodeSeen(list))
		if err != nil || len(again) != len(list) {
			t.Fatalf("%q: %v", encodeSeen(list), err)
		}
		for i := range list {
			if !again[i].At.Equal(list[i].At) || again[i].Commit != list[i].Commit || again[i].Name != list[i].Name ||
				again[i].Repository != list[i].Repository {
				t.Errorf("%+v became %+v", list[i], again[i])
			}
		}
	})
}
