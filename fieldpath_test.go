package appbur_test

import (
	"testing"

	"github.com/appbur/appbur"
)

func TestJoinKey(t *testing.T) {
	for _, tt := range []struct {
		keys []string
		want string
	}{
		{nil, ""},
		{[]string{"spec"}, "spec"},
		{[]string{"spec", "replicas"}, "spec.replicas"},
		{[]string{"metadata", "annotations", "example.org/team"}, `metadata.annotations["example.org/team"]`},
		{[]string{"a.b", "c"}, `["a.b"].c`},
		{[]string{"data", `[x]"`}, `data["[x]\""]`},
	} {
		got := ""
		for _, key := range tt.keys {
			got = appbur.JoinKey(got, key)
		}
		if got != tt.want {
			t.Errorf("%q is written %s, want %s", tt.keys, got, tt.want)
		}
	}
}
