package drillfile

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
)

func TestParse(t *testing.T) {
	got, err := Parse([]byte(`
applications:
- name: fleet-system/fleet
  command: [fleet-v2, --http, "127.0.0.1:{port:http}", --contract, "{address}", '{"a": 1}']
  environment: {MODE: "drill in {dir}"}
  checks:
  - {name: answers, command: [curl, "http://127.0.0.1:{port:http}/"], timeout: 5s}
checks:
- {name: namespaces, command: [kubectl, --kubeconfig, "{kubeconfig}", get, namespace]}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := File{
		Apps: []App{{
			Name:    appbur.AppKey{Namespace: "fleet-system", Name: "fleet"},
			Command: []string{"fleet-v2", "--http", "127.0.0.1:{port:http}", "--contract", "{address}", `{"a": 1}`},
			Address: "unix://{socket}", Environment: []string{"MODE=drill in {dir}"},
			Checks: []Check{{"answers", []string{"curl", "http://127.0.0.1:{port:http}/"}, 5 * time.Second}},
		}},
		Checks: []Check{{"namespaces", []string{"kubectl", "--kubeconfig", "{kubeconfig}", "get", "namespace"}, time.Minute}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "the file is empty",
		"applications: []\n": "neither applications nor checks",
		"applications: [{name: fleet, command: [a]}]\n":                          "application 1: its name is \"fleet\"",
		"applications: [{name: a/b}]\n":                                          "it has no command",
		"applications: [{name: a/b, command: [x, '{target}']}]\n":                "{target} is no placeholder",
		"applications: [{name: a/b, command: [x], address: '{address}'}]\n":      "names itself",
		"applications: [{name: a/b, command: [x]}, {name: a/b, command: [x]}]\n": "another application a/b",
		"checks: [{command: [x]}]\n":                                             "check 1: it has no name",
		"checks: [{name: x, command: [x], timeout: soon}]\n":                     "its timeout is \"soon\"",
		"applications: [{name: a/b, command: [x], image: y}]\n":                  "image",
		"applications: [{name: a/b, command: [x], environment: {'A=B': c}}]\n":   "no name of a variable",
	} {
		_, err := Parse([]byte(text))
		var wrong *Error
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestExpand(t *testing.T) {
	ports := map[string]int{}
	words := []string{"app", "{dir}/db", "127.0.0.1:{port:http}", "{port:http} {port:api}", "{address}", "{socket}", "{kubeconfig}", "{}"}
	got, err := Expand(words,
		Values{Address: "A", Socket: "S", Dir: "D", Kubeconfig: "K", Port: func(name string) (int, error) {
			if ports[name] == 0 {
				ports[name] = 100 + len(ports)
			}
			return ports[name], nil
		}})
	want := []string{"app", "D/db", "127.0.0.1:100", "100 101", "A", "S", "K", "{}"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	failure := errors.New("no port")
	if _, err := Expand([]string{"{port:x}"}, Values{Port: func(string) (int, error) { return 0, failure }}); !errors.Is(err, failure) {
		t.Error(err)
	}
}
