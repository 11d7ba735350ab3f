package configuration_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/appbur/appbur/internal/configuration"
	"github.com/appbur/appbur/internal/leader/timing"
	"github.com/appbur/appbur/internal/settings"
)

var update = flag.Bool("update", false, "write the schema anew")

const (
	schemaFile  = "../../docs/configuration.schema.json"
	exampleFile = "../../examples/configuration/appbur.yaml"
	head        = "apiVersion: appbur.io/v1alpha1\nkind: Configuration\n"
)

var equal = cmpopts.IgnoreUnexported(configuration.Configuration{})

func TestTheShortestFileIsTheDefaults(t *testing.T) {
	file, err := configuration.Parse([]byte(head), nil, nil)
	want := configuration.Configuration{
		Watch:       configuration.Watch{Quiet: 2 * time.Second, Limit: 15 * time.Second},
		Points:      configuration.Points{Prune: true, Durability: configuration.DurableLocal},
		Push:        configuration.Push{Enabled: true},
		Maintenance: configuration.Maintenance{AfterCommits: 500},
		Audit:       configuration.Audit{Wait: configuration.DefaultAuditWait},
		LeaderElection: configuration.LeaderElection{
			ResourceName: configuration.DefaultLease,
			Timing:       timing.Timing{LeaseDuration: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: 2 * time.Second},
		},
		Log:    configuration.Log{Format: configuration.LogText},
		Reload: configuration.Reload{Every: 5 * time.Second},
	}
	if diff := cmp.Diff(want, file.Value, equal); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if file, err := configuration.Parse(nil, nil, nil); err != nil || file.Value.Watch != want.Watch {
		t.Errorf("without a file: %+v %v", file.Value, err)
	}
}

// The annotated example is read, shows every setting, and is right about what it calls a default.
func TestExample(t *testing.T) {
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	file, err := configuration.Parse(text, nil, nil)
	if err != nil {
		t.Fatal(err)
	}

	lines := strings.Split(string(text), "\n")
	for _, field := range configuration.Table.Fields() {
		if field.Effect == "" {
			continue // a section
		}
		path := field.Path
		if list, in := configuration.ListOf(path); in {
			path = list + "[0]" + strings.TrimPrefix(path, list)
			if list == "points.schedules" {
				path = list + "[1]" + strings.TrimPrefix(field.Path, list) // the one that has all
			}
		}
		line := file.Source(path).Line
		if line == 0 {
			t.Errorf("the example does not show %s", field.Path)
			continue
		}
		said, comment, _ := strings.Cut(lines[line-1], " # ")
		if !strings.HasPrefix(comment, "default") {
			continue
		}
		name := field.Path[strings.LastIndexByte(field.Path, '.')+1:]
		if want := name + ": " + field.Default; strings.TrimSpace(said) != want {
			t.Errorf("line %d calls %s a default, which is %s", line, strings.TrimSpace(said), want)
		}
	}
}

// Every setting has what a person needs to use it, and its example is one.
func TestEverySettingIsDescribed(t *testing.T) {
	for _, f := range configuration.Table.Fields() {
		if !strings.HasSuffix(f.Text, ".") || f.Since == "" {
			t.Errorf("%s: %+v", f.Path, f)
		}
		if f.Effect == "" {
			continue
		}
		if f.Default == "" == (f.Without == "") && !f.Required {
			t.Errorf("%s: want either a default or a word on what holds without it", f.Path)
		}
		if _, in := configuration.ListOf(f.Path); in {
			continue // the example of the list has it
		}
		above := []settings.Given{{Path: f.Path, Text: f.Example, From: "its example"}, {Path: "watch.limit", Text: "1h", From: "the test"}}
		if _, err := configuration.Parse(nil, nil, above); err != nil {
			t.Errorf("the example of %s: %v", f.Path, err)
		}
	}
}

func TestQuietIsWaitedForWithinTheLimit(t *testing.T) {
	_, err := configuration.Parse([]byte(head+"watch: {quiet: 30s}\n"), nil, nil)
	var faults *settings.Error
	if !errors.As(err, &faults) || len(faults.Faults) != 1 {
		t.Fatal(err)
	}
	want := settings.Fault{
		Line: 3, Path: "watch.quiet", Problem: "30s of quiet cannot be waited for: a change waits 15s at most (watch.limit)",
		Hint: "set watch.limit to 30s or more, or watch.quiet to 15s or less",
	}
	if diff := cmp.Diff(want, faults.Faults[0]); diff != "" {
		t.Error(diff)
	}
}

// What no schema can say of schedules and applications is told with its line as well.
func TestSchedulesAndApplicationsAreChecked(t *testing.T) {
	for text, want := range map[string]string{
		`points: {schedules: [{cron: often}]}`:                          `3 points.schedules: schedule default: "often": `,
		`points: {zone: Mars, schedules: [{cron: "@daily"}]}`:           `3 points.schedules: schedule default: the time zone "Mars"`,
		`points: {schedules: [{name: A B, cron: "@daily"}]}`:            `3 points.schedules: schedule: "A B" is no name`,
		`apps: {named: [{name: a/b/c, address: "c:1"}]}`:                `3 apps.named: "a/b/c" at "c:1" is no application`,
		`apps: {named: [{name: a, address: b}, {name: a, address: c}]}`: `3 apps.named[1]: the element in line 3 has the same name, a`,
	} {
		_, err := configuration.Parse([]byte(head+text+"\n"), nil, nil)
		var faults *settings.Error
		if !errors.As(err, &faults) || len(faults.Faults) != 1 {
			t.Errorf("%s: %v", text, err)
			continue
		}
		f := faults.Faults[0]
		if got := fmt.Sprintf("%d %s: %s", f.Line, f.Path, f.Problem); !strings.HasPrefix(got, want) || f.Hint == "" {
			t.Errorf("%s\ngives %s (%s)\nwant %s", text, got, f.Hint, want)
		}
	}
}

// beyondSchema are faults that no schema can see: it judges values, not how they are written, and one at a time.
var beyondSchema = regexp.MustCompile(`(anchors|aliases|tags such as .*) are not supported|second document|cannot be waited for|` +
	`is there already|whole number|length of time|the name of a setting is wanted|did not find|could not find|control characters|` +
	"has the same name|is no application|^schedule|found |mapping values|block |unknown anchor|document contains")

// FuzzParse reads anything: the schema judges as the parser does, and what it takes can be written and read again.
func FuzzParse(f *testing.F) {
	example, err := os.ReadFile(exampleFile)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	for _, d := range documents {
		f.Add([]byte(d.text))
	}
	valid := compiledSchema(f)

	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := configuration.Parse(data, nil, nil)
		invalid, readable := valid(data)
		if err != nil {
			if readable && invalid == nil && !beyondSchema.MatchString(err.Error()) {
				t.Fatalf("the schema takes what the parser refuses: %v", err)
			}
			return
		}
		if invalid != nil || !readable {
			t.Fatalf("the parser takes what the schema refuses: %v", invalid)
		}

		text, err := file.Value.Write()
		if err != nil {
			t.Fatal(err)
		}
		again, err := configuration.Parse(text, nil, nil)
		if diff := cmp.Diff(file.Value, again.Value, equal); err != nil || diff != "" {
			t.Fatalf("written as\n%s%v\n%s", text, err, diff)
		}
	})
}

func TestEventsAreWaitedForWithinAMinute(t *testing.T) {
	for wait, refused := range map[string]bool{"0s": false, "3s": false, "1m": false, "61s": true, "-1s": true, "soon": true} {
		c, err := configuration.Parse([]byte(head+"audit: {wait: "+wait+"}\n"), nil, nil)
		if (err != nil) != refused || err == nil && c.Value.Audit.Wait.String() != strings.Replace(wait, "1m", "1m0s", 1) {
			t.Errorf("%s: %s, %v", wait, c.Value.Audit.Wait, err)
		}
	}
}
