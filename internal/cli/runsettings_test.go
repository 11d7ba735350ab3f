package cli

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// settingsOf are those of `run` with a file and flags, in an environment.
func settingsOf(t *testing.T, text string, environment map[string]string, args ...string) (*runSettings, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "appbur.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	e := &env{Streams: &Streams{}, getenv: func(name string) string { return environment[name] }}
	var flags *pflag.FlagSet
	command := newRun(e)
	flags = command.Flags()
	if err := flags.Parse(append(args, "--config", file)); err != nil {
		t.Fatal(err)
	}
	s, err := settingsOfRun(e, file, flags)
	if s != nil {
		s.file = "appbur.yaml"
	}
	return s, err
}

// The log says of each setting that is no default what it is and who says so, and what is overridden by that.
func TestSettingsAreToldWithTheirSource(t *testing.T) {
	s, err := settingsOf(t, configHead+"watch:\n  quiet: 5s\n  limit: 1m\nguards: {acceptHistory: true}\nrepository: {path: /srv/b.git}\n",
		map[string]string{envRepository: "/srv/a.git", envKeys: "/keys"}, "--quiet", "7s", "--no-push", "--json=false")
	if err != nil {
		t.Fatal(err)
	}

	var out bytes.Buffer
	s.tell(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey && a.Value.String() == "INFO" {
			return slog.Attr{}
		}
		return a
	}})))
	want := []string{
		"msg=setting setting=repository.path value=/srv/b.git from=appbur.yaml:7",
		"msg=setting setting=repository.keys value=/keys from=$APPBUR_KEYS",
		"msg=setting setting=watch.quiet value=7s from=--quiet overrides=appbur.yaml:4",
		"msg=setting setting=watch.limit value=1m from=appbur.yaml:5",
		"msg=setting setting=guards.acceptHistory value=true from=appbur.yaml:6",
		"msg=setting setting=push.enabled value=false from=--no-push",
		"msg=setting setting=log.format value=text from=--json",
		`level=WARN msg="a guard is off for every commit" setting=guards.acceptHistory hint="take the line out when the commit that needs it is made"`,
	}
	if got := strings.TrimSpace(out.String()); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

// A flag without a value takes the setting of the environment away, as it did before there was a file.
func TestAnEmptyFlagSilencesTheEnvironment(t *testing.T) {
	s, err := settingsOf(t, configHead, map[string]string{envAnchor: "/mnt/anchors"}, "--anchor", "")
	if err != nil || s.Value.Anchor.Path != "" {
		t.Errorf("%+v %v", s, err)
	}
	s, err = settingsOf(t, configHead, map[string]string{envAnchor: "/mnt/anchors"})
	if err != nil || s.Value.Anchor.Path != "/mnt/anchors" {
		t.Errorf("%+v %v", s, err)
	}
}
