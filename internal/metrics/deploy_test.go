package metrics

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

var metricName = regexp.MustCompile(`appbur_[a-z_]+[a-z]`)

// The alerts, the dashboard and the pages name metrics that there are, and each alert has a section that says what to do.
func TestWhatIsDeployedNamesMetricsThatThereAre(t *testing.T) {
	known := map[string]bool{}
	for _, f := range New("", time.Now).Families() {
		known[f.Name] = true
		if f.Type == "histogram" {
			known[f.Name+"_bucket"], known[f.Name+"_sum"], known[f.Name+"_count"] = true, true, true
		}
	}
	texts := map[string]string{}
	for _, path := range []string{"deploy/metrics/prometheusrule.yaml", "deploy/metrics/appbur.json", "docs/run.md", "docs/metrics.md"} {
		data, err := os.ReadFile("../../" + path)
		if err != nil {
			t.Fatal(err)
		}
		texts[path] = string(data)
		found := metricName.FindAllString(texts[path], -1)
		if len(found) == 0 {
			t.Errorf("%s names no metric", path)
		}
		for _, name := range found {
			if !known[name] {
				t.Errorf("%s: there is no metric %s", path, name)
			}
		}
	}

	alerts := regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(texts["deploy/metrics/prometheusrule.yaml"], -1)
	if len(alerts) < 5 {
		t.Errorf("%d alerts", len(alerts))
	}
	for _, alert := range alerts {
		if !strings.Contains(texts["docs/run.md"], "\n### "+alert[1]+"\n") ||
			!strings.Contains(texts["deploy/metrics/prometheusrule.yaml"], "runbook_url: docs/run.md#"+strings.ToLower(alert[1])+"\n") {
			t.Errorf("%s has no section in docs/run.md", alert[1])
		}
	}
}
