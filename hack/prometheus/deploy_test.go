package prometheus

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/util/teststorage"
	"go.yaml.in/yaml/v3"
)

const root = "../.."

// state is what one daemon exposed for two hours.
type state struct {
	t      *testing.T
	store  *teststorage.TestStorage
	now    time.Time
	engine *promql.Engine
	parser parser.Parser
}

// expose loads the exposition of a state, "" for a daemon that is not there.
func expose(t *testing.T, name string) *state {
	t.Helper()
	s := &state{
		t: t, store: teststorage.New(t), now: time.Unix(946684800, 0), parser: parser.NewParser(parser.Options{}),
		engine: promql.NewEngine(promql.EngineOpts{Timeout: time.Minute, MaxSamples: 1_000_000}),
	}
	t.Cleanup(func() { _ = s.store.Close() })
	if name == "" {
		return s
	}
	data, err := os.ReadFile(filepath.Join(root, "internal/metrics/testdata", name+".prom"))
	if err != nil {
		t.Fatal(err)
	}
	head, text, _ := strings.Cut(string(data), "\n")
	at, err := strconv.ParseInt(strings.TrimPrefix(head, "# now "), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	s.now = time.Unix(at, 0)

	appender := s.store.Appender(t.Context())
	for line := range strings.Lines(text) {
		cut := strings.LastIndex(line, " ")
		series, err := s.parser.ParseMetric(line[:cut])
		if err != nil {
			t.Fatal(err)
		}
		value, err := strconv.ParseFloat(strings.TrimSpace(line[cut:]), 64)
		if err != nil {
			t.Fatal(err)
		}
		series = labels.NewBuilder(series).Set("job", "appbur").Set("namespace", "appbur-system").Labels()
		for ago := 2 * time.Hour; ago >= 0; ago -= time.Minute {
			if _, err := appender.Append(0, series, s.now.Add(-ago).UnixMilli(), value); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := appender.Commit(); err != nil {
		t.Fatal(err)
	}
	return s
}

// yields evaluates an expression and returns how many samples it yields.
func (s *state) yields(expr string) int {
	s.t.Helper()
	query, err := s.engine.NewInstantQuery(s.t.Context(), s.store, nil, expr, s.now)
	if err != nil {
		s.t.Fatalf("%s: %v", expr, err)
	}
	defer query.Close()
	vector, err := query.Exec(s.t.Context()).Vector()
	if err != nil {
		s.t.Fatalf("%s: %v", expr, err)
	}
	return len(vector)
}

// alerts are those of deploy/metrics, loaded as Prometheus loads them.
func alerts(t *testing.T) []rulefmt.Rule {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "deploy/metrics/prometheusrule.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var resource struct {
		Spec yaml.Node `yaml:"spec"`
	}
	if err := yaml.Unmarshal(data, &resource); err != nil {
		t.Fatal(err)
	}
	spec, err := yaml.Marshal(&resource.Spec)
	if err != nil {
		t.Fatal(err)
	}
	groups, errs := rulefmt.Parse(spec, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return groups.Groups[0].Rules
}

// Each alert fires in the state that it is for, and in no other; a daemon that is well is silent.
func TestAlertsFireWhereTheyShould(t *testing.T) {
	rules := alerts(t)
	fired := map[string]bool{}
	for name, want := range map[string][]string{
		"good":       nil,
		"nothing":    {"AppburPointTooOld"},
		"old":        {"AppburPointTooOld"},
		"partial":    {"AppburPointIncomplete"},
		"unpushed":   {"AppburNotReplicated"},
		"stuck":      {"AppburCommitsStuck"},
		"leaderless": {"AppburNobodyLeads"},
		"unaudited":  {"AppburAuditSilent"},
		"waiting":    {"AppburWaitsForRemote"},

		"drilled":     nil,
		"undrilled":   {"AppburNotDrilled"},
		"drillfailed": {"AppburDrillFailed"},
		"":            {"AppburDown"},
	} {
		s := expose(t, name)
		var got []string
		for _, rule := range rules {
			if s.yields(rule.Expr) > 0 {
				got = append(got, rule.Alert)
				fired[rule.Alert] = true
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("in the state %q these fire: %v, want %v", name, got, want)
		}
	}

	for _, rule := range rules {
		if !fired[rule.Alert] {
			t.Errorf("%s never fires", rule.Alert)
		}
	}
}

// Each alert has a section that says what to do.
func TestEachAlertHasASection(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs/run.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range alerts(t) {
		if !strings.Contains(string(page), "\n### "+rule.Alert+"\n") ||
			rule.Annotations["runbook_url"] != "docs/run.md#"+strings.ToLower(rule.Alert) {
			t.Errorf("%s has no section in docs/run.md", rule.Alert)
		}
	}
}

// Each query of the dashboard has an answer from a daemon that is well.
func TestEveryQueryOfTheDashboardHasAnAnswer(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, "deploy/metrics/appbur.json"))
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(data, &dashboard); err != nil {
		t.Fatal(err)
	}

	s := expose(t, "good")
	queries := 0
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			queries++
			if s.yields(target.Expr) == 0 {
				t.Errorf("%s: no answer to %s", panel.Title, target.Expr)
			}
		}
	}
	if queries < 15 {
		t.Errorf("%d queries", queries)
	}
}
