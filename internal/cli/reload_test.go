package cli

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/appbur/appbur/internal/configuration"
	"github.com/appbur/appbur/internal/settings"
)

const configHead = "apiVersion: appbur.io/v1alpha1\nkind: Configuration\n"

// changing is a file of settings that a test changes while it is watched.
type changing struct {
	mu      sync.Mutex
	text    string
	err     error
	log     bytes.Buffer
	applied []configuration.Configuration
	hangups chan os.Signal
}

func (c *changing) set(text string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text, c.err = text, err
}

// told is what was logged since the last question, without times.
func (c *changing) told() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.log.Reset()
	return c.log.String()
}

func (c *changing) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log.Write(p)
}

// watch watches until the test ends.
func (c *changing) watch(t *testing.T, flags ...settings.Given) {
	t.Helper()
	c.hangups = make(chan os.Signal)
	parse := func(data []byte) (settings.Document[configuration.Configuration], error) {
		return configuration.Parse(data, nil, flags)
	}
	first, err := parse([]byte(c.text))
	if err != nil {
		t.Fatal(err)
	}

	r := &reloader{
		file: "appbur.yaml", current: first.Value, seen: []byte(c.text), parse: parse,
		log: slog.New(slog.NewTextHandler(c, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}})),
		read: func() ([]byte, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			return []byte(c.text), c.err
		},
		apply: func(now configuration.Configuration) { c.applied = append(c.applied, now) },
	}

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.run(ctx, c.hangups, systemTicker)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
}

// settle lets the watch look often enough.
func settle() {
	time.Sleep(time.Minute)
	synctest.Wait()
}

func TestAGoodChangeIsAppliedAndTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &changing{text: configHead}
		c.watch(t)
		settle()
		if told := c.told(); told != "" || len(c.applied) > 0 {
			t.Errorf("an unchanged file: %s", told)
		}

		c.set(configHead+"watch: {quiet: 5s}\nrepository: {path: /srv/b.git}\n", nil)
		settle()
		told := c.told()
		for _, want := range []string{
			`msg="the configuration was read again" file=appbur.yaml changes=2`,
			`msg="a setting has changed" setting=watch.quiet before=2s now=5s from=appbur.yaml:3 takesEffect="at once"`,
			`level=WARN msg="a setting has changed that takes effect after a restart" setting=repository.path before="" now=/srv/b.git`,
		} {
			if !strings.Contains(told, want) {
				t.Errorf("the log lacks %s:\n%s", want, told)
			}
		}
		if len(c.applied) != 1 || c.applied[0].Watch.Quiet != 5*time.Second {
			t.Errorf("applied %+v", c.applied)
		}
	})
}

// A bad file is told once with all that is wrong, and changes nothing; so is one that cannot be read for a moment.
func TestABadChangeKeepsTheSettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &changing{text: configHead + "watch: {quiet: 3s}\n"}
		c.watch(t)
		c.set(configHead+"watch: {quite: 5s, limit: 3}\n", nil)
		settle()
		told := c.told()
		for _, want := range []string{
			`msg="the configuration is refused; the settings before stay in force" reason="appbur.yaml:3:9: watch.quite: there is no such setting" ` +
				`hint="did you mean watch.quiet?"`,
			`reason="appbur.yaml:3:27: watch.limit: ` + "`3`" + ` stands where a length of time`,
		} {
			if !strings.Contains(told, want) {
				t.Errorf("the log lacks %s:\n%s", want, told)
			}
		}
		if lines := strings.Count(told, "\n"); lines != 2 {
			t.Errorf("%d lines for two faults:\n%s", lines, told)
		}

		c.set("", fs.ErrNotExist)
		settle()
		if told := c.told(); strings.Count(told, "\n") != 1 || !strings.Contains(told, "cannot be read; the settings before stay in force") {
			t.Errorf("a file that is not there:\n%s", told)
		}
		if len(c.applied) > 0 {
			t.Errorf("applied %+v", c.applied)
		}

		// What was in force is compared with, not what was refused.
		c.set(configHead+"watch: {quiet: 4s}\n", nil)
		settle()
		if told := c.told(); !strings.Contains(told, "before=3s now=4s") || len(c.applied) != 1 {
			t.Errorf("after the correction:\n%s", told)
		}
	})
}

// A file that is written in place is not taken before it is whole, however good its first half is.
func TestHalfAFileIsNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		whole := configHead + "push: {enabled: false}\nwatch: {quiet: 5s}\n"
		c := &changing{text: whole}
		c.watch(t)
		time.Sleep(time.Second) // between two looks, which come every five
		for n := range len(whole) {
			c.set(whole[:n], nil)
			time.Sleep(5 * time.Second)
		}
		c.set(whole, nil)
		settle()
		if told := c.told(); told != "" || len(c.applied) > 0 {
			t.Errorf("applied %+v\n%s", c.applied, told)
		}
	})
}

// The signal has the file read at any time, and says so also when nothing has changed.
func TestASignalIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &changing{text: configHead + "reload: {every: 0s}\n"}
		c.watch(t)
		c.set(configHead+"reload: {every: 0s}\nwatch: {quiet: 5s}\n", nil)
		settle()
		if told := c.told(); told != "" {
			t.Errorf("without a signal:\n%s", told)
		}

		for _, want := range []string{"changes=1", "changes=0"} {
			c.hangups <- syscall.SIGHUP
			synctest.Wait()
			if told := c.told(); !strings.Contains(told, want) {
				t.Errorf("want %s in:\n%s", want, told)
			}
		}
		c.set("", errors.New("the disk is gone"))
		for range 2 {
			c.hangups <- syscall.SIGHUP
			synctest.Wait()
			if told := c.told(); !strings.Contains(told, "the disk is gone") {
				t.Errorf("a file that cannot be read:\n%s", told)
			}
		}
	})
}

// The interval is a setting like others.
func TestTheIntervalCanChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &changing{text: configHead + "reload: {every: 1h}\n"}
		c.watch(t)
		c.set(configHead+"reload: {every: 1s}\n", nil)
		settle()
		if told := c.told(); told != "" {
			t.Errorf("within the hour:\n%s", told)
		}
		time.Sleep(2 * time.Hour)
		c.set(configHead+"reload: {every: 1s}\nlog: {format: json}\n", nil)
		settle()
		if len(c.applied) != 2 || c.applied[1].Log.Format != configuration.LogJSON {
			t.Errorf("applied %+v", c.applied)
		}
	})
}

// What the command line says holds after a reload, too; and a guard that a file switches off is told.
func TestFlagsHoldAfterAReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &changing{text: configHead}
		c.watch(t, settings.Given{Path: "watch.quiet", Text: "7s", From: "--quiet"})
		c.set(configHead+"watch: {quiet: 5s}\nguards: {allowCollapse: true}\n", nil)
		settle()
		told := c.told()
		if len(c.applied) != 1 || c.applied[0].Watch.Quiet != 7*time.Second || strings.Contains(told, "setting=watch.quiet") {
			t.Errorf("applied %+v\n%s", c.applied, told)
		}
		if !strings.Contains(told, `level=WARN msg="a guard is off for every commit" setting=guards.allowCollapse`) {
			t.Errorf("the guard is not told:\n%s", told)
		}
	})
}

func TestTheFormatOfTheLogChangesForLoggersThatExist(t *testing.T) {
	var out bytes.Buffer
	format := newLogFormat(&out)
	log := slog.New(format).With("who", "x").WithGroup("g")
	log.Info("first", "n", 1)
	format.set(configuration.LogJSON)
	log.Info("second", "n", 2)
	first, second, _ := strings.Cut(out.String(), "\n")
	if !strings.HasSuffix(first, "msg=first who=x g.n=1") || !strings.HasSuffix(second, `"msg":"second","who":"x","g":{"n":2}}`+"\n") {
		t.Errorf("logged\n%s", out.String())
	}
}
