package appbur_test

import (
	"testing"

	"github.com/appbur/appbur"
)

func TestParseKubeVersion(t *testing.T) {
	for text, want := range map[string]appbur.KubeVersion{
		"1.24":                {Major: 1, Minor: 24},
		"v1.24.17":            {Major: 1, Minor: 24, Patch: 17},
		"v1.29.4-gke.1043002": {Major: 1, Minor: 29, Patch: 4},
		"v1.30.1+k3s1":        {Major: 1, Minor: 30, Patch: 1},
	} {
		got, err := appbur.ParseKubeVersion(text)
		if err != nil || got != want {
			t.Errorf("ParseKubeVersion(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "v", "1", "1.x", "1.2.3.4", "-1.2", "0.5", "1.99999999"} {
		if got, err := appbur.ParseKubeVersion(text); err == nil {
			t.Errorf("ParseKubeVersion(%q) = %v, want an error", text, got)
		}
	}
}

func TestKubeVersionOrder(t *testing.T) {
	v124, v137 := appbur.KubeVersion{Major: 1, Minor: 24, Patch: 17}, appbur.KubeVersion{Major: 1, Minor: 37, Patch: 1}
	if v124.Compare(v137) >= 0 || v137.Compare(v124) <= 0 || v124.Compare(v124) != 0 {
		t.Error("1.24.17 must sort before 1.37.1")
	}
	if !v137.AtLeast(1, 25) || v124.AtLeast(1, 25) || !v124.AtLeast(1, 24) {
		t.Error("AtLeast must compare by minor release")
	}
}

func FuzzParseKubeVersion(f *testing.F) {
	f.Add("v1.24.17")
	f.Add("1.30.1+k3s1")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := appbur.ParseKubeVersion(text)
		if err != nil {
			return
		}
		again, err := appbur.ParseKubeVersion(v.String())
		if err != nil || again != v {
			t.Errorf("%q: %v printed and parsed is %v, %v", text, v, again, err)
		}
	})
}
