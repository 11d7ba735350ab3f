package exec

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur"
)

const programConfig = `
app: grafana
version: "11"
in:
  statefulSet: grafana
  ordinal: 1
  container: grafana
  choose: {argv: [test, -e, /primary], timeout: 5s}
  shell: /bin/bash
  payloadDir: /tmp
  lease: 20s
  restLimit: 10m
notCovered: [sessions of users]
quiesce: {shell: 'touch /rest'}
release: {argv: [rm, -f, /rest]}
rollback: restore-previous
datasets:
  - name: database
    schema: "1.0"
    mediaType: application/sql
    export: {shell: 'mydump -p"$MYSQL_PASSWORD"', set: {LANG: C, MYSQL_PASSWORD_FILE: /run/secret}}
    import: {argv: [load, "{payload}"]}
`

// Everything that a program says of its place is read.
func TestAProgramSaysWhereItsCommandsRun(t *testing.T) {
	p, err := ParseProgram([]byte(programConfig))
	if err != nil {
		t.Fatal(err)
	}
	if p.App != "grafana" || p.StatefulSet != "grafana" || *p.Ordinal != 1 || p.Container != "grafana" || p.PayloadDir != "/tmp" ||
		p.Lease != 20*time.Second || p.RestLimit != 10*time.Minute || !p.Chooses() || len(p.NotCovered) != 1 {
		t.Errorf("got %+v", p)
	}

	call := p.datasets[0].export.call(run{dataset: "database", schema: "1.0"}, nil)
	if call.Argv[0] != "/bin/bash" || !call.Shell || call.Timeout != 10*time.Minute {
		t.Errorf("the export is %+v", call)
	}
	for _, variable := range call.Env {
		if strings.HasPrefix(variable, "PATH=") {
			t.Error("the path of this machine is set in the pod")
		}
	}
	argv, env := p.datasets[0].load.call(run{file: ReadsFile}, nil).Filled("/tmp/x")
	if argv[1] != "/tmp/x" || env[len(env)-1] != "APPBUR_PAYLOAD=/tmp/x" {
		t.Errorf("the import is %q with %q", argv, env)
	}
}

// What does not hold together is refused, with what to do.
func TestBadProgramsAreRefused(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"in:", "out:", "out"},
		{"  statefulSet: grafana\n  ordinal: 1\n", "", "one of pod, statefulSet, deployment and selector"},
		{"  statefulSet: grafana\n  ordinal: 1\n", "  deployment: grafana\n  ordinal: 1\n", "ordinal:"},
		{"statefulSet: grafana", "statefulSet: grafana\n  pod: grafana-0", "one of pod, statefulSet, deployment and selector"},
		{"ordinal: 1", "ordinal: -1", "ordinal:"},
		{"shell: /bin/bash", "shell: bash", "absolute path"},
		{"shell: /bin/bash", "shell: /bin/bash -e", "absolute path"},
		{"payloadDir: /tmp", "payloadDir: tmp", "absolute path"},
		{"  payloadDir: /tmp\n", "", "payloadDir:"},
		{"lease: 20s", "lease: 1s", "lease:"},
		{"restLimit: 10m", "restLimit: ages", "restLimit:"},
		{"LANG: C", "PGPASSWORD: x", "PGPASSWORD may be a secret"},
		{"set: {LANG: C", "env: [LANG], set: {LANG: C", "env:"},
		{"[test, -e, /primary]", "[]", "choose: one of argv and shell"},
	} {
		text := strings.Replace(programConfig, c.from, c.to, 1)
		_, err := ParseProgram([]byte(text))
		if err == nil || !strings.Contains(err.Error()+appbur.HintOf(err), c.want) || appbur.HintOf(err) == "" {
			t.Errorf("%q in place of %q: got %v, hint %q", c.to, c.from, err, appbur.HintOf(err))
		}
	}

	if _, err := ParseConfig([]byte(programConfig), os.Getenv); err == nil || !strings.Contains(err.Error(), "in:") {
		t.Errorf("commands of this machine with a place in a pod: %v", err)
	}
}
