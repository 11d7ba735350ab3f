package cli_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/cli"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/manifest"
)

// TestScript tells short stories to the real command line: what a user types, what they read, and the exit code. They
// need no cluster.
func TestScript(t *testing.T) {
	params := testscript.Params{
		Dir:         "testdata/script",
		WorkdirRoot: t.TempDir(),
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("XDG_CONFIG_HOME", env.WorkDir+"/config")
			env.Setenv("GIT_CONFIG_GLOBAL", "/dev/null")
			env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
			env.Values[scriptVariables{}] = variableNames(env)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"appbur": command,
			"status": status,
			// makepoint makes what points.txtar is about.
			"makepoint": makePoint,
			// serveapp runs the applications that appstate.txtar is about.
			"serveapp": func(ts *testscript.TestScript, neg bool, args []string) { serveApp(ts, t, neg, args) },
			// serverelease runs the releases of an application that goldens.txtar is about.
			"serverelease": func(ts *testscript.TestScript, neg bool, args []string) { serveRelease(ts, t, neg, args) },
			// story and tampering write the repository that audit.txtar is about.
			"story":     func(ts *testscript.TestScript, _ bool, _ []string) { cli.AuditStory(t, ts.MkAbs(".")) },
			"tampering": func(ts *testscript.TestScript, _ bool, _ []string) { cli.AuditTampering(t, ts.MkAbs(".")) },
		},
	}

	if testing.Short() {
		testscript.RunT(oneByOne{t}, params) // their commands run within this process
		return
	}
	testscript.Run(t, params)
}

// command runs a command line that succeeds, or does not: `! appbur nonsense`.
func command(ts *testscript.TestScript, neg bool, args []string) {
	if code := exitCode(ts, append([]string{"appbur"}, args...)); (code != 0) != neg {
		ts.Fatalf("exit code %d", code)
	}
}

// status checks an exit code: `status 64 appbur nonsense`.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status CODE COMMAND [ARG...]")
	}
	if got := strconv.Itoa(exitCode(ts, args[1:])); got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// serveApp runs an application with the rows of a file, and puts its address into $NAME: `serveapp NAME ID FILE
// [sensitive]`.
func serveApp(ts *testscript.TestScript, t *testing.T, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: serveapp NAME ID FILE [sensitive]")
	}
	ts.Setenv(args[0], cli.ServeRows(t, args[1], ts.ReadFile(args[2]), len(args) > 3))
}

// serveRelease runs a version of an application with the rows of a file, and a dataset "rows" that is declared in JSON:
// `serverelease NAME VERSION ROWS DATASET`.
func serveRelease(ts *testscript.TestScript, t *testing.T, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: serverelease NAME VERSION ROWS DATASET")
	}
	var dataset contract.Dataset
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[3])), &dataset))
	ts.Setenv(args[0], cli.ServeRelease(t, "orders.example.com", args[1], ts.ReadFile(args[2]), dataset))
}

// makePoint makes a restore point without a cluster, with an application if a file
// with its rows is named: `makepoint REPO KEYS TIME [partial] [NAME=FILE]... [@OBJECT]...`.
// The dataset of NAME=!FILE is sensitive; @OBJECT is a file with a live object;
// coverage=FILE is what of a cluster was read, as JSON.
func makePoint(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: makepoint REPO KEYS TIME [partial] [NAME=FILE]... [@OBJECT]...")
	}
	at, err := time.Parse(time.RFC3339, args[2])
	ts.Check(err)
	repo, err := repository.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	keys, err := keyring.Load(ts.MkAbs(args[1]))
	ts.Check(err)

	now := func() time.Time { return at }
	cluster := appbur.Cluster{ID: "c1", Version: appbur.KubeVersion{Major: 1, Minor: 24, Patch: 17}}
	writer, err := repo.Begin(cluster, "1", keys, repository.Guards{}, rand.Reader, now)
	ts.Check(err)
	content := repository.PointContent{
		Created: at, Ended: at.Add(90 * time.Second), Cluster: cluster, Rules: "1",
		Evidence: appbur.Evidence{Format: appbur.EvidenceFormat},
	}
	point, err := repo.BeginPoint(keys, rand.Reader, now)
	ts.Check(err)
	content.Index = map[appbur.ObjectID]manifest.Entry{}

	for _, arg := range args[3:] {
		if file, isObject := strings.CutPrefix(arg, "@"); isObject {
			object, err := manifest.Decode([]byte(ts.ReadFile(file)))
			ts.Check(err)
			result, err := manifest.Default().Make(object)
			ts.Check(err)
			ts.Check(writer.Put(result))
			content.Index[result.Manifest.ID] = result.Entry
			content.Objects++
			continue
		}
		if file, isCoverage := strings.CutPrefix(arg, "coverage="); isCoverage {
			ts.Check(json.Unmarshal([]byte(ts.ReadFile(file)), &content.Coverage))
			continue
		}
		name, file, isApp := strings.Cut(arg, "=")
		if !isApp {
			content.Coverage.Groups = []appbur.GroupFailure{{GroupVersion: "broken.example.com/v1", Reason: "no answer"}}
			continue
		}
		file, sensitive := strings.CutPrefix(file, "!")
		data := []byte(ts.ReadFile(file))
		d := appbur.Dataset{Name: "rows", Schema: "1.0", MediaType: "application/x-ndjson", Key: []string{"id"}, Sensitive: sensitive}
		key := appbur.AppKey{Namespace: "team", Name: name}
		sink, err := point.Dataset(key, d)
		ts.Check(err)
		_, err = sink.Write(data)
		ts.Check(err)
		ts.Check(sink.Close())
		d.Size, d.Digest, d.Rows = int64(len(data)), appbur.DigestOf(data), int64(bytes.Count(data, []byte("\n")))
		ts.Check(point.Application(appbur.AppState{AppKey: key, App: name + ".example.com", Version: "1.2.3", Datasets: []appbur.Dataset{d}}))
	}

	outcome, err := writer.Commit(context.Background(), at, content.Coverage)
	ts.Check(err)
	_, err = point.Save(context.Background(), outcome.Commit, content)
	ts.Check(err)
}
