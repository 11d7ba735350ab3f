package tables

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
)

const exampleConfig = `
app: billing
version: 2026.11
schema: "1.2"
database:
  dsnFromEnv: BILLING_DSN
lockTimeout: 5s
tables:
  - table: Customers & Co
  - {schema: private, table: tokens, dataset: api-tokens, key: [id], sensitive: true, optional: [note],
     payloadSchema: "2.0", reads: ">= 1.0, < 3.0"}
  - {table: prices, sensitive: false}
`

func env(name string) string {
	if name == "BILLING_DSN" {
		return "host=/run/db"
	}
	return ""
}

func TestParseConfig(t *testing.T) {
	got, err := ParseConfig([]byte(exampleConfig), env)
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		App: "billing", Version: "2026.11", DSN: "host=/run/db", LockTimeout: 5 * time.Second,
		Tables: []Table{
			{Name: "Customers & Co", Dataset: "customers-co", Sensitive: true, PayloadSchema: "1.2", Reads: ">= 1.0, <= 1.2"},
			{
				Schema: "private", Name: "tokens", Dataset: "api-tokens", Key: []string{"id"}, Sensitive: true, Optional: []string{"note"},
				PayloadSchema: "2.0", Reads: ">= 1.0, < 3.0",
			},
			{Name: "prices", Dataset: "prices", PayloadSchema: "1.2", Reads: ">= 1.0, <= 1.2"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("config differs (-want +got):\n%s", diff)
	}
}

func TestParseConfigRefuses(t *testing.T) {
	const tail = "\ntables: [{table: a}]\n"
	for name, c := range map[string]struct{ yaml, want string }{
		"empty":             {"", "the file is empty"},
		"unknown field":     {"app: a\ncolour: red", "colour"},
		"no app":            {"database: {dsn: x}" + tail, `app: ""`},
		"no database":       {"app: a" + tail, "one of dsn and dsnFromEnv"},
		"two databases":     {"app: a\ndatabase: {dsn: x, dsnFromEnv: Y}" + tail, "exclude one another"},
		"unset variable":    {"app: a\ndatabase: {dsnFromEnv: Y}" + tail, "variable Y is empty"},
		"no tables":         {"app: a\ndatabase: {dsn: x}", "at least one"},
		"nameless":          {"app: a\ndatabase: {dsn: x}\ntables: [{dataset: a}]", "table is needed"},
		"twice":             {"app: a\ndatabase: {dsn: x}\ntables: [{table: a}, {table: a, dataset: b}]", "the table appears twice"},
		"same dataset":      {"app: a\ndatabase: {dsn: x}\ntables: [{table: a}, {schema: s, table: a}]", `dataset "a" appears twice`},
		"no dataset name":   {"app: a\ndatabase: {dsn: x}\ntables: [{table: 表}]", "not a dataset name"},
		"bad version":       {"app: a\nschema: v1\ndatabase: {dsn: x}" + tail, "MAJOR.MINOR"},
		"bad lock timeout":  {"app: a\nlockTimeout: 5\ndatabase: {dsn: x}" + tail, "lockTimeout"},
		"name with a space": {"app: a b\ndatabase: {dsn: x}" + tail, "app"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseConfig([]byte(c.yaml), env)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
			if appbur.HintOf(err) == "" {
				t.Errorf("%v has no hint", err)
			}
		})
	}

	_, err := ParseConfig([]byte("app: a\ndatabase: {dsnFromEnv: Y}"+tail), env)
	if appbur.HintOf(err) == "" {
		t.Error("an unset variable has no hint")
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(exampleConfig))
	f.Add([]byte("app: a\ndatabase: {dsn: x}\ntables: [{table: a}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseConfig(data, env)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, table := range c.Tables {
			if seen[table.Dataset] || !datasetName.MatchString(table.Dataset) || !schemaVersion.MatchString(table.PayloadSchema) {
				t.Fatalf("accepted %+v", c)
			}
			seen[table.Dataset] = true
		}
	})
}
