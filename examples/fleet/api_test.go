package fleet_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/appbur/appbur/examples/fleet/program"
	"github.com/appbur/appbur/pkg/contract"
)

func call(t *testing.T, fleet program.Fleet, method, path, body string) (int, string) {
	t.Helper()
	recorder := httptest.NewRecorder()
	fleet.Handler().ServeHTTP(recorder, httptest.NewRequest(method, path, strings.NewReader(body)))
	return recorder.Code, strings.TrimSpace(recorder.Body.String())
}

type step struct {
	method, path, body string
	status             int
	want               string // of the answer; empty is not looked at
}

func TestAPI(t *testing.T) {
	const window = `{"startsAt":"2027-01-01T00:00:00Z","endsAt":"2027-01-01T02:00:00Z","reason":"upgrade"}`
	for release, steps := range map[string][]step{
		"v1": {
			{"GET", "/healthz", "", 200, `{"version":"1.4.0"}`},
			{"GET", "/v1/customers", "", 200, `[]`},
			{
				"POST", "/v1/customers", `{"id":"acme","name":"Acme","tier":"gold","contactEmail":"a@acme.example"}`, 201,
				`{"id":"acme","name":"Acme","tier":"gold","contactEmail":"a@acme.example","createdAt":"2026-11-21T03:02:38Z"}`,
			},
			{"POST", "/v1/customers", `{"id":"acme","name":"Acme","tier":"gold"}`, 409, `{"error":"customer acme: exists already"}`},
			{"POST", "/v1/customers", `{"id":"x","name":"X","tier":"wood"}`, 400, `{"error":"invalid: tier: want gold, silver or bronze"}`},
			{
				"POST", "/v1/clusters", `{"id":"p","customerId":"acme","name":"prod","k8s":"1.24.17","region":"eu-west-1","zone":"eu-west-1a"}`, 201,
				"",
			},
			{
				"POST", "/v1/clusters", `{"id":"q","customerId":"nobody","name":"prod","k8s":"1.24.17","region":"eu-west-1"}`, 404,
				`{"error":"cluster q: what it refers to: not found"}`,
			},
			{
				"PUT", "/v1/clusters/p/labels", `{"stage":"prod"}`, 200,
				`{"id":"p","customerId":"acme","name":"prod","k8s":"1.24.17","region":"eu-west-1","zone":"eu-west-1a","labels":{"stage":"prod"},"createdAt":"2026-11-21T03:02:38Z"}`,
			},
			{"PUT", "/v1/clusters/none/labels", `{}`, 404, `{"error":"cluster none: not found"}`},
			{"PUT", "/v1/clusters/p/credentials", `{"token":"t"}`, 204, ""},
			{"POST", "/v1/clusters/p/maintenance-windows", window, 201, ""},
			{"POST", "/v1/clusters/p/maintenance-windows", `{"startsAt":"2027-01-01T00:00:00Z"}`, 400, ""},
			{
				"GET", "/v1/clusters/p/maintenance-windows", "", 200,
				`[{"id":1,"clusterId":"p","startsAt":"2027-01-01T00:00:00Z","endsAt":"2027-01-01T02:00:00Z","reason":"upgrade"}]`,
			},
			{"POST", "/v1/clusters", `{"colour":"red"}`, 400, ""},
			{"POST", "/v1/clusters", `{} {}`, 400, ""},
		},
		"v2": {
			{"GET", "/healthz", "", 200, `{"version":"2.0.0"}`},
			{"POST", "/v2/customers", `{"id":"acme","name":"Acme","tier":"premium","contactEmail":"a@acme.example"}`, 201, ""},
			{
				"POST", "/v2/clusters",
				`{"id":"p","customerId":"acme","name":"prod","kubernetesVersion":"1.37.1","location":{"region":"eu-west-1","zone":"eu-west-1a"}}`, 201,
				"",
			},
			{
				"GET", "/v2/clusters/p", "", 200,
				`{"id":"p","customerId":"acme","name":"prod","kubernetesVersion":"1.37.1","location":{"region":"eu-west-1","zone":"eu-west-1a"},"lifecycle":"active","labels":{},"createdAt":"2026-11-21T03:02:38Z"}`,
			},
			{
				"POST", "/v2/clusters",
				`{"id":"q","customerId":"acme","name":"q","kubernetesVersion":"1.37.1","location":{"region":"x"},"lifecycle":"lost"}`, 400, "",
			},
			{"GET", "/v2/clusters", "", 200, ""},
			{"GET", "/v1/clusters", "", 404, ""},
		},
	} {
		t.Run(release, func(t *testing.T) {
			fleet := open(t, release, 0)
			for _, s := range steps {
				status, body := call(t, fleet, s.method, s.path, s.body)
				if status != s.status || (s.want != "" && body != s.want) {
					t.Errorf("%s %s %s\n= %d %s\nwant %d %s", s.method, s.path, s.body, status, body, s.status, s.want)
				}
			}
		})
	}
}

// TestTheProgramServesBothAddressesAndStops runs a command as main does: it says when it is ready, serves both
// addresses, and ends well when it is told to.
func TestTheProgramServesBothAddressesAndStops(t *testing.T) {
	for release, version := range releases {
		t.Run(release, func(t *testing.T) {
			dir := t.TempDir()
			socket := "unix://" + filepath.Join(dir, "s")
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			out, in := io.Pipe()
			var stderr bytes.Buffer
			code := make(chan int, 1)
			go func() {
				code <- program.Main(ctx, version,
					[]string{"--db", filepath.Join(dir, "a b?.db"), "--http", "127.0.0.1:0", "--contract", socket, "--seed", "5"}, in, &stderr)
				in.Close()
			}()

			line, err := io.ReadAll(io.LimitReader(out, int64(len("ready contract="+socket+" http=127.0.0.1:"))))
			if err != nil || !strings.HasPrefix(string(line), "ready contract="+socket) {
				t.Fatalf("got %q (%v), stderr %s", line, err, &stderr)
			}
			port := make([]byte, 10)
			n, err := out.Read(port)
			if err != nil {
				t.Fatal(err)
			}

			response, err := http.Get("http://127.0.0.1:" + strings.TrimSpace(string(port[:n])) + "/healthz")
			if err != nil || response.StatusCode != http.StatusOK {
				t.Fatalf("%v %v", response, err)
			}
			response.Body.Close()
			http.DefaultClient.CloseIdleConnections()
			client, err := contract.Dial(t.Context(), socket, contract.DialOptions{})
			if err != nil {
				t.Fatal(err)
			}

			info, err := client.Info(t.Context())
			if err != nil || info.App != program.AppID || info.Version != version.App {
				t.Errorf("%+v, %v", info, err)
			}
			client.Close()
			stop()
			if got := <-code; got != 0 {
				t.Errorf("exit code %d, stderr %s", got, &stderr)
			}
			if left, err := filepath.Glob(filepath.Join(dir, "s")); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v (%v)", left, err)
			}
		})
	}
}

func TestProgramRefuses(t *testing.T) {
	dir := t.TempDir()
	first := filepath.Join(dir, "v1.db")
	fleet, err := releases["v1"].Open(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	fleet.Close()

	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"help":            {[]string{"--help"}, 0, "--contract"},
		"unknown flag":    {[]string{"--colour"}, 64, "colour"},
		"argument":        {[]string{"now"}, 64, "no arguments"},
		"nothing to do":   {[]string{"--http", ""}, 64, "is needed"},
		"half a key pair": {[]string{"--tls-cert", "x"}, 64, "go together"},
		"plaintext":       {[]string{"--db", filepath.Join(dir, "a.db"), "--contract", "127.0.0.1:0"}, 1, "hint: "},
		"other version":   {[]string{"--db", first}, 1, "import an export of the other version"},
		"no such folder":  {[]string{"--db", filepath.Join(dir, "none", "a.db")}, 1, "none"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if got := program.Main(t.Context(), releases["v2"], c.args, &stdout, &stderr); got != c.code {
				t.Errorf("exit code %d, want %d", got, c.code)
			}
			if !strings.Contains(strings.ReplaceAll(stderr.String(), " -", " --"), c.want) {
				t.Errorf("stderr does not say %q:\n%s", c.want, &stderr)
			}
		})
	}
}
