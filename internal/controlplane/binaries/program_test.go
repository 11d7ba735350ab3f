package binaries

import (
	"strings"
	"testing"
)

func FuzzParseReportedVersion(f *testing.F) {
	for _, seed := range []string{
		"Kubernetes v1.24.17\n", "Kubernetes v1.24.17-eks-1", "Kubernetes v0.0.0-master+$Format:%H$", "", "v1.2.3",
		"Kubernetes v01.2.3",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, out string) {
		v, err := parseReportedVersion(out)
		if err == nil && strings.TrimSpace(out) != "Kubernetes v"+v.String() {
			t.Errorf("%q was read as %s", out, v)
		}
	})
}
