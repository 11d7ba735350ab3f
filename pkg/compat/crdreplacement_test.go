package compat

import (
	"strings"
	"testing"
)

// widgetCRD is the definition of a kind with versions such as "v1 served storage", and fields of its spec.
func widgetCRD(t *testing.T, versions, more string) map[string]any {
	t.Helper()
	var b strings.Builder
	b.WriteString(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}
  versions:
`)
	for version := range strings.SplitSeq(versions, ", ") {
		words := strings.Fields(version)
		flag := func(name string) string {
			if strings.Contains(version, name) {
				return "true"
			}
			return "false"
		}
		fields := "size: {type: integer}"
		if strings.Contains(version, "+colour") {
			fields += ", colour: {type: string}"
		}
		b.WriteString("  - {name: " + words[0] + ", served: " + flag("served") + ", storage: " + flag("storage") +
			", schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {" + fields + "}}}}}}\n")
	}
	return decodeYAML(t, b.String()+more)
}

func TestReplaceCRD(t *testing.T) {
	t.Parallel()
	const webhook = `  conversion:
    strategy: Webhook
    webhook: {conversionReviewVersions: [v1], clientConfig: {service: {namespace: widgets, name: operator, path: /convert}}}
`
	for _, test := range []struct {
		name       string
		old        map[string]any
		replacing  map[string]any
		refused    string // the rules
		breaks     string
		needs      string
		mustBeTold string
	}{
		{
			name:      "the same",
			old:       widgetCRD(t, "v1 served storage", ""),
			replacing: widgetCRD(t, "v1 served storage", ""),
		},
		{
			name:      "another version beside the old one",
			old:       widgetCRD(t, "v1beta1 served storage", ""),
			replacing: widgetCRD(t, "v1beta1 served, v1 served storage +colour", ""),
		},
		{
			name:      "a version that was stored once is gone",
			old:       widgetCRD(t, "v1alpha1, v1 served storage", "status: {storedVersions: [v1alpha1, v1]}\n"),
			replacing: widgetCRD(t, "v1 served storage", ""),
			refused:   ruleStoredVersion, mustBeTold: "objects may be stored at v1alpha1",
		},
		{
			name:      "it is gone and nothing is stored at it any more",
			old:       widgetCRD(t, "v1alpha1, v1 served storage", "status: {storedVersions: [v1]}\n"),
			replacing: widgetCRD(t, "v1 served storage", ""),
		},
		{
			name:      "a served version is turned off",
			old:       widgetCRD(t, "v1beta1 served, v1 served storage", ""),
			replacing: widgetCRD(t, "v1beta1, v1 served storage", ""),
			breaks:    ruleServedVersion, mustBeTold: "v1beta1 is no longer served",
		},
		{
			name:      "the new storage version has less fields",
			old:       widgetCRD(t, "v1 served storage +colour", ""),
			replacing: widgetCRD(t, "v1 served storage", ""),
			breaks:    ruleStorageFields, mustBeTold: "keeps less",
		},
		{
			name:      "a webhook has to convert",
			old:       widgetCRD(t, "v1beta1 served storage", ""),
			replacing: widgetCRD(t, "v1beta1 served, v1 served storage", webhook),
			needs:     ruleConversion, mustBeTold: "the service widgets/operator",
		},
		{
			name:      "another scope",
			old:       widgetCRD(t, "v1 served storage", ""),
			replacing: decodeYAML(t, strings.Replace(string(encodeYAML(t, widgetCRD(t, "v1 served storage", ""))), "Namespaced", "Cluster", 1)),
			refused:   ruleFixedNames, mustBeTold: `"Namespaced" becomes "Cluster"`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := ReplaceCRD(test.old, test.replacing)
			told := ""
			rules := func(changes []Change) string {
				var names []string
				for _, c := range changes {
					names, told = append(names, c.Rule), told+c.What+"\n"
				}
				return strings.Join(names, " ")
			}
			if r, b, n := rules(got.Refused), rules(got.Breaks), rules(got.Needs); r != test.refused || b != test.breaks || n != test.needs {
				t.Errorf("refused %q, breaks %q, needs %q; want %q, %q, %q", r, b, n, test.refused, test.breaks, test.needs)
			}
			if !strings.Contains(told, test.mustBeTold) {
				t.Errorf("told %q, want something with %q", told, test.mustBeTold)
			}
		})
	}
}
