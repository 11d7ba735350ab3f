package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/drillreport"
	"github.com/appbur/appbur/pkg/restore"
)

// A report is kept unencrypted: what a comparison or a server says of values is not in it.
func TestDrillReportsHaveNoValues(t *testing.T) {
	const value = "CANARY"
	secret := appbur.ObjectID{Kind: "Secret", Namespace: "team", Name: "db"}
	config := appbur.ObjectID{Kind: "ConfigMap", Namespace: "team", Name: "web"}
	report := drillreport.Report{Lists: []drillreport.List{
		drillreport.NewList("Findings", foundObjects([]restore.Finding{
			{Kind: restore.FindingDifferent, Object: config, Path: "data[colour]", What: "is " + value, Managers: []string{"kubectl"}},
		})),
		drillreport.NewList("Failed", failedObjects([]restore.Outcome{
			{Object: secret, Reason: "invalid: " + value}, {Object: config, Reason: "forbidden"},
		})),
	}}

	var text bytes.Buffer
	if err := drillreport.JSON(&text, report); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text.String(), value) {
		t.Errorf("the report has a value:\n%s", text.String())
	}
	for _, want := range []string{"data[colour], written by kubectl", "may quote the Secret", "forbidden"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the report does not say %q", want)
		}
	}
}
