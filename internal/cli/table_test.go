package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// longName is as long as names of Kubernetes get: 253 characters.
var longName = "configmap/team-a/" + strings.Repeat("a-very-long-name.", 15)[:253]

const (
	longWhy = "the API server of the target refused the object: admission webhook \"policy.example.com\" denied the request: " +
		"images must come from registry.example.com"
	wideWhy    = "サーバーがオブジェクトを拒否しました: 名前が長すぎます 한국어 메시지도 있습니다 and e\u0301t cetera"
	hostileWhy = "first line\nsecond line\t\x1b[2J\x1b]0;owned\a \u202egnp.exe \xff" // clears the screen, sets a title, turns text around
)

// everyTable is every table of appbur with rows as clusters and repositories hold them.
var everyTable = []struct {
	name    string
	columns []column
	rows    [][]string
}{
	{"points list", pointsListColumns, [][]string{
		{"20261121T030238Z", "12 min ago", "1.24.17", "11840", "12", "complete", "passed 119 days ago, 12m34s"},
		{"20261120T030238Z-12", "119 days ago", "1.24.17-eks-1234567", "11840", "1 of 12", "partial", ""},
		{"20261119T030238Z", "", "", "", "", "unreadable", ""},
	}},
	{"drill history", drillHistoryColumns, [][]string{
		{"20261121T040000Z-0a1b2c3d", "12 min ago", "20261121T030238Z", "1.37.1", "passed", "12m34s", "2 days 3 h", "appbur@appbur-7d9f"},
		{"20261120T040000Z-0a1b2c3d", "119 days ago", "20261120T030238Z-12", "1.37.1", "failed", "34.5 s", "30h0m", "root@ops1"},
	}},
	{"points delete", pointsDeleteColumns, [][]string{
		{"20261120T030238Z-12", "119 days ago", "11840", "1 of 12", "partial"},
		{"20261119T030238Z", "", "", "", "unreadable"},
	}},
	{"points prune", pointsPruneColumns, [][]string{
		{"20261121T030238Z", "12 min ago", "complete", "keep", "daily: newest of its day 2026-11-21; weekly: newest of its week 2026-W47; " +
			"always: the newest good state of the application fleet-system/fleet"},
		{"20261120T030238Z", "29 h ago", "partial", "delete", "no rule keeps it"},
	}},
	{"points show", coverageColumns, [][]string{
		{"ConfigMap", "v1", "1200", "37", "complete"},
		{"ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io", "v1beta1", "3", "0", "complete"},
		{"Cluster.fleet.example.com", "v1alpha1", "0", "0", "incomplete: " + longWhy},
		{"metrics.k8s.io/v1beta1", "", "", "", "no answer, but nothing is stored there: " + hostileWhy},
	}},
	{"points show without holes", coverageColumns, [][]string{
		{"ConfigMap", "v1", "1200", "37", "complete"},
		{"ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io", "v1beta1", "3", "0", "complete"},
		{"CustomResourceDefinition.apiextensions.k8s.io", "v1", "12", "0", "complete"},
	}},
	{"apps list", appsColumns, [][]string{
		{"fleet-system/fleet", "1.2.3", "20261121T030238Z", "12 min ago", "saved"},
		{
			"team-with-a-long-name/" + strings.Repeat("application-", 5) + "x", "2026.11.21-rc.1+build.0123456789abcdef",
			"20261119T030238Z", "3 days ago", "missing",
		},
		{"old/billing", "", "20261101T030238Z", "", "retired"},
	}},
	{"apps describe", datasetColumns, [][]string{
		{"orders", "2.1", ">= 1.0, <= 2.1", "about 12000 rows, about 1.2 MiB", "id", "required; what customers have ordered"},
		{"ledger", "1.0", ">= 1.0, <= 1.0", "application/x-tar", "", "sensitive; after orders"},
	}},
	{"fleet", fleetColumns, [][]string{
		{"failing", "eu-west-1-platform", "3 days ago", "1.34.2", "last good point: 20261118T030000Z, 3 days old; it may be 26 h old"},
		{"ok", "us-1", "12 min ago", "1.37.1", ""},
	}},
	{"fleet for a version", slices.Insert(slices.Clone(fleetColumns), 4, fleetRestoreColumn), [][]string{
		{"warning", "eu-1", "12 min ago", "1.24.17", "1 blocked, 3 lossy", ""},
	}},
	{"remotes list", remotesColumns, [][]string{
		{"origin", "up to date", "12 min ago", "https://git.example.com/platform/management-cluster-backups.git"},
		{"disk", "behind: 12 commits and 240 restore points are missing", "never", "/mnt/backup/mgmt.git"},
	}},
	{"log", logColumns, [][]string{
		{
			"0123456789ab", "12 min ago", "appbur", "Objects: 12 added, 3 changed, 1 removed",
			"20261121T030238Z, 20261121T020238Z, 20261121T010238Z and 717 more",
		},
		{"23456789abcd", "119 days ago", "appbur", "Change deployment.apps team-a/web", "20251121T030238Z"},
	}},
	{"log with signatures", slices.Insert(slices.Clone(logColumns), 4, signatureColumn), [][]string{
		{
			"0123456789ab", "12 min ago", "appbur", "Objects: 12 added, 3 changed, 1 removed", "good, appbur",
			"20261121T030238Z, 20261121T020238Z, 20261121T010238Z and 717 more",
		},
		{
			"123456789abc", "119 days ago", "山田太郎 (kubernetes audit)",
			"Change customresourcedefinition.apiextensions.k8s.io clusters.fleet.example.com",
			"unknown signer", "",
		},
		{"23456789abcd", "200 days ago", "Rene\u0301 D.", hostileWhy, "good, 山田太郎", "20251121T030238Z"},
	}},
	{"blame", blameColumns, [][]string{
		{"0123456789ab", "12 min ago", "appbur", "1", "apiVersion: apps/v1"},
		{"0123456789ab", "119 days ago", "山田太郎", "120", "            - --flag=" + strings.Repeat("value,", 20)},
		{"0123456789ab", "119 days ago", "山田太郎", "121", "      message: " + wideWhy},
	}},
	{"compat", compatColumns, [][]string{
		{"convertible", "ingress.extensions/team-a/web", "extensions/v1beta1", "networking.k8s.io/v1", longWhy},
		{"blocked", longName, "batch/v2alpha1", "", wideWhy},
	}},
	{"findings", findingColumns, [][]string{
		{"error", "ingress.extensions/team-a/web", "deploy/web.yaml:12", "api-removed", longWhy, "write networking.k8s.io/v1"},
		{"warning", longName, strings.Repeat("deploy/", 9) + "web.yaml:1", "object-lossy", wideWhy, ""},
	}},
	{"asked", askedColumns, [][]string{
		{"not served", "ingress.extensions/team-a/web", "convertible", longWhy},
		{"refused", longName, "served", wideWhy},
	}},
	{"old use", oldUseColumns, [][]string{
		{"field manager", "kubectl-client-side-apply", "networking.k8s.io/v1beta1 Ingress", "12"},
		{"helm release", "kube-system/" + strings.Repeat("release-", 5) + "x", "policy/v1beta1 PodSecurityPolicy", "3"},
		{"request", "", "flowcontrol.apiserver.k8s.io/v1beta1 prioritylevelconfigurations", ""},
	}},
	{"explain", explainColumns, [][]string{
		{
			"metadata.managedFields", "index", "metadata-managed-fields",
			"who wrote which field is kept beside the manifest, where it makes no noise",
		},
		{"metadata.annotations[kubectl.kubernetes.io/last-applied-configuration]", "nowhere", "last-applied", "kubectl writes it anew"},
	}},
	{"conformance", conformanceColumns, [][]string{
		{
			"EXP-018", "CONDITIONAL", "fingerprint.v1 and a dataset with a key",
			"An export that begins while another one runs sees the same state or is refused",
		},
		{"IMP-007", "REQUIRED", "", "An import that is cut off leaves the state as it was"},
	}},
	{"compat payload", goldenColumns, [][]string{
		{"1.4.0", "2026-11-30", "yes", "customers 1.0→2.0, clusters 1.0→3.0, maintenance-windows 1.0→1.1, credentials 1.0", "imported"},
		{"3.0.0", "2026-11-30", "no", "customers 2.0, clusters 3.0, maintenance-windows 1.1", "refused: newer than the application"},
	}},
	{"compat payload gates", gateColumns, [][]string{
		{"imports", "20", "passed", "every golden imports, and comes out as declared"},
		{"upcasts", "24", "12 found", "every upcast changed something in some golden"},
	}},
	{"compat schema", schemaColumns, [][]string{
		{"/lines/*/count", "breaking", "TYPE_NARROWED", "it is string now, and was integer: old values of the others are refused"},
		{"shop.v1.Order.note", "safe", "FIELD_ADDED", "it is new"},
	}},
	{"config explain", settingColumns, [][]string{
		{"watch", "section", "", "", "When what was seen is committed."},
		{"watch.quiet", "duration", "2s", "at once", "Commit when nothing has changed for this long."},
		{"maintenance.afterCommits", "number", "500", "at once", longWhy},
		{"log.format", "text or json", "text", "after a restart", "Lines of key=value for people, or one JSON object in each line."},
	}},
	{"restore", restoreColumns, [][]string{
		{"failed", "ingress.networking.k8s.io/team-a/web", longWhy},
		{"failed", "customresourcedefinition.apiextensions.k8s.io/clusters.fleet.example.com", hostileWhy},
		{"failed", longName, wideWhy},
		{"note", "namespace/team-a", "created"},
	}},
	{"status", statusColumns, [][]string{
		{"ok", "last good point", "20261130T113000Z, 30 min old", ""},
		{"failing", "remote forge", wideWhy, longWhy},
	}},
	{"repo check", checkColumns, [][]string{
		{
			"damaged", "object", "objects/pack/pack-0123456789abcdef0123456789abcdef01234567.pack 0123456789ab", "inflating: zlib: invalid checksum",
			"20261121T030238Z:namespaces/team-a/secret/db.yaml, main 0123456789ab and 240 more", "restore it from a remote: git fetch origin",
		},
		{"unsigned", "signature", "main", "the commit 0123456789ab has no signature", "", "look at it; appbur config adopt"},
	}},
}

// printed is a table as a terminal of the width gets it, without colours.
func printed(columns []column, rows [][]string, width int) string {
	e, out, _ := testEnv(true)
	e.Colour, e.Width = false, width
	e.Streams = e.forTerminals()
	t := e.newTable(columns...)
	for _, row := range rows {
		cells := make([]cell, len(row))
		for i, text := range row {
			cells[i] = plain(text)
		}
		t.add(cells...)
	}
	t.print(e.Out)
	return out.String()
}

func TestTableGolden(t *testing.T) {
	for _, table := range everyTable {
		t.Run(table.name, func(t *testing.T) {
			var got bytes.Buffer
			for _, width := range []int{40, 80, 200} {
				fmt.Fprintf(&got, "%s\n%s", strings.Repeat("=", width), printed(table.columns, table.rows, width))
			}

			file := filepath.Join("testdata", "tables", strings.ReplaceAll(table.name, " ", "-")+".txt")
			if *update {
				if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// checkWidth says which line is too wide. A line may be only if it is one thing that
// people copy.
func checkWidth(t *testing.T, columns []column, rows [][]string, width int) {
	t.Helper()
	text := printed(columns, rows, width)
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if textWidth(line) > max(width, narrowest) && !isCopied(columns, rows, line) {
			t.Errorf("at %d columns a line is %d wide: %q", width, textWidth(line), line)
		}
		if strings.TrimRight(line, " ") != line {
			t.Errorf("at %d columns a line ends with spaces: %q", width, line)
		}
	}
	checkWhole(t, columns, rows, text)
}

func isCopied(columns []column, rows [][]string, line string) bool {
	return slices.ContainsFunc(rows, func(row []string) bool {
		for i, c := range columns {
			if c.fit == copied && shownText(row[i]) == line {
				return true
			}
		}
		return false
	})
}

// checkWhole demands that what people copy is there in one piece.
func checkWhole(t *testing.T, columns []column, rows [][]string, text string) {
	t.Helper()
	for _, row := range rows {
		for i, c := range columns {
			if c.fit == copied && !strings.Contains(text, strings.TrimRight(shownText(row[i]), " ")) {
				t.Errorf("%q was cut:\n%s", row[i], text)
			}
		}
	}
}

func TestNoTableIsWiderThanItsTerminal(t *testing.T) {
	for _, table := range everyTable {
		for width := 1; width <= 300; width++ {
			checkWidth(t, table.columns, table.rows, width)
		}
	}
}

// What is moved below a row, cut or wrapped is only what has no room: as soon as all fits,
// a table is as it is without a limit.
func TestTableWithRoomIsUntouched(t *testing.T) {
	for _, table := range everyTable {
		unlimited := printed(table.columns, table.rows, 0)
		needed := 0
		for line := range strings.Lines(unlimited) {
			needed = max(needed, textWidth(strings.TrimSuffix(line, "\n")))
		}
		if got := printed(table.columns, table.rows, needed); got != unlimited {
			t.Errorf("%s at %d columns:\n%s\nwithout a limit:\n%s", table.name, needed, got, unlimited)
		}
	}
}

func FuzzTableWidth(f *testing.F) {
	f.Add("deployment.apps/team-a/web", longWhy, "サーバー", "e\u0301", uint8(80))
	f.Add(longName, hostileWhy, "\u200d\u200d", "\xff\xfe", uint8(40))
	f.Add(" a ", "  b  c ", "   ", "\ufe0f", uint8(24))
	f.Fuzz(func(t *testing.T, a, b, c, d string, width uint8) {
		columns := []column{
			{name: "name", fit: copied, least: 12},
			{name: "state", rank: 3},
			{name: "who", fit: cutting, least: 8, rank: 1},
			{name: "id", fit: copied, least: 4},
			{name: "why", fit: wrapping, least: 10, rank: 2},
		}
		checkWidth(t, columns, [][]string{{a, b, c, d, b}, {d, c, b, a, d}}, int(width))
	})
}

func TestTextWidth(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "web": 3, "日本語": 6, "한국어": 6, "e\u0301": 1, "…": 1, "🚀": 2, "\u200b": 0, "ａ": 2,
	} {
		if got := textWidth(text); got != want {
			t.Errorf("%q is %d columns wide, want %d", text, got, want)
		}
	}
}

func TestCutText(t *testing.T) {
	for _, test := range []struct {
		text  string
		width int
		want  string
	}{
		{"web", 3, "web"},
		{"website", 4, "web…"},
		{"web site", 5, "web…"},
		{"日本語", 6, "日本語"},
		{"日本語", 5, "日本…"},
		{"日本語", 4, "日…"},
		{"日本語", 2, "…"},
		{"日本語", 1, "…"},
		{"e\u0301e\u0301e\u0301", 2, "e\u0301…"},
	} {
		if got := cutText(test.text, test.width); got != test.want {
			t.Errorf("%q in %d columns: %q, want %q", test.text, test.width, got, test.want)
		}
	}
}

func TestWrapText(t *testing.T) {
	for _, test := range []struct {
		text  string
		width int
		want  []string
	}{
		{"", 10, []string{""}},
		{"the server refused it", 10, []string{"the server", "refused it"}},
		{"  name: web", 20, []string{"  name: web"}},
		{"a  b", 10, []string{"a  b"}},
		{"abcdefghijkl mn", 5, []string{"abcde", "fghij", "kl mn"}},
		{"日本語 한국어", 6, []string{"日本語", "한국어"}},
		{"日本語", 5, []string{"日本", "語"}},
	} {
		if diff := cmp.Diff(test.want, wrapText(test.text, test.width)); diff != "" {
			t.Errorf("%q in %d columns (-want +got):\n%s", test.text, test.width, diff)
		}
	}
}
