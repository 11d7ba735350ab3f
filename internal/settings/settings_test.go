package settings_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur/internal/settings"
)

// plan is a document with every type that settings have.
type plan struct {
	Name   string
	Wait   time.Duration
	Count  int
	On     bool
	Colour string
	Room   room
	Meals  []meal
	Guests []string
}

type room struct{ Door, Window string }

type meal struct {
	Name string
	At   time.Duration
}

func about(text string) settings.About {
	return settings.About{Text: text, Since: "v1", Effect: settings.AtOnce, Example: "red"}
}

var plans = settings.Object(
	settings.Field("name", settings.Text("name", "a name"), func(p *plan) *string { return &p.Name }, "", about("Its name.")),
	settings.Field("wait", settings.Duration(), func(p *plan) *time.Duration { return &p.Wait }, time.Minute, about("How long.")),
	settings.Field("count", settings.Whole(0, 9), func(p *plan) *int { return &p.Count }, 3, about("How many.")),
	settings.Field("on", settings.Switch(), func(p *plan) *bool { return &p.On }, true, about("Whether.")),
	settings.Field("colour", settings.Choice("red", "green"), func(p *plan) *string { return &p.Colour }, "red", about("Which.")),
	settings.Section("room", rooms, func(p *plan) *room { return &p.Room }, about("Where.")),
	settings.Elements("meals", settings.ListOf(meals, func(m meal) string { return m.Name }),
		func(p *plan) *[]meal { return &p.Meals }, about("What.")),
	settings.Elements("guests", settings.TextsOf(settings.Text("name", "a name")),
		func(p *plan) *[]string { return &p.Guests }, about("Who.")),
)

var rooms = settings.Object(
	settings.Field("door", settings.LocalPath("a path"), func(r *room) *string { return &r.Door }, "", about("The door.")),
	settings.Field("window", settings.LocalPath("a path"), func(r *room) *string { return &r.Window }, "", about("The window.")),
)

var meals = settings.Object(
	settings.Field("name", settings.Text("name", "a name"), func(m *meal) *string { return &m.Name }, "",
		settings.About{Text: "Its name.", Since: "v1", Required: true, Example: "lunch"}),
	settings.Field("at", settings.Duration(), func(m *meal) *time.Duration { return &m.At }, 12*time.Hour, about("When.")),
)

func read(text string) (settings.Document[plan], error) {
	return settings.Read(plans, []byte(text), nil, nil)
}

func TestWhatIsNotSaidIsTheDefault(t *testing.T) {
	for text, change := range map[string]func(*plan){
		"{}":                                 func(*plan) {},
		"# only a comment\n---\n":            func(*plan) {},
		"room:\nmeals:\n":                    func(*plan) {},
		"wait: 1h30m":                        func(p *plan) { p.Wait = 90 * time.Minute },
		"wait: 0s":                           func(p *plan) { p.Wait = 0 },
		"count: 5.0":                         func(p *plan) { p.Count = 5 },
		"name: 2026-11-30":                   func(p *plan) { p.Name = "2026-11-30" },
		"on: False":                          func(p *plan) { p.On = false },
		"guests: [a, \"b\"]":                 func(p *plan) { p.Guests = []string{"a", "b"} },
		"guests:\n- a\n":                     func(p *plan) { p.Guests = []string{"a"} },
		"guests:\n":                          func(*plan) {},
		"room: {door: 'c: d'}":               func(p *plan) { p.Room.Door = "c: d" },
		"meals: [{name: a, at: 1h}]":         func(p *plan) { p.Meals = []meal{{"a", time.Hour}} },
		"meals:\n- name: a\n- name: \"b\"\n": func(p *plan) { p.Meals = []meal{{"a", 12 * time.Hour}, {"b", 12 * time.Hour}} },
	} {
		want := plan{Wait: time.Minute, Count: 3, On: true, Colour: "red"}
		change(&want)
		document, err := read(text)
		if diff := cmp.Diff(want, document.Value); err != nil || diff != "" {
			t.Errorf("%q: %v\n%s", text, err, diff)
		}
	}
}

// Every fault is told, where it is, and with what to write instead.
func TestAllFaultsAreToldAtOnce(t *testing.T) {
	_, err := read(`naem: x
door: y
wait: 5
count: 1.5
on: "true"
colour: rad
colour: red
room: [a]
meals:
- at: later
- {name: a}
- {name: a}
- lunch
name: &here x
`)
	var faults *settings.Error
	if !errors.As(err, &faults) {
		t.Fatalf("got %v", err)
	}

	var got []string
	for _, f := range faults.Faults {
		got = append(got, f.String()+" ("+f.Hint+")")
	}
	want := []string{
		"line 1: naem: there is no such setting (did you mean name?)",
		"line 2: door: there is no such setting (did you mean room.door?)",
		"line 3: wait: `5` stands where a length of time such as 90s or 15m is wanted (write a length of time such as 90s or 15m)",
		"line 4: count: `1.5` stands where a whole number from 0 to 9 is wanted (write a whole number from 0 to 9)",
		"line 5: on: `true` stands where true or false is wanted (take the quotes off: true)",
		"line 6: colour: `rad` stands where red or green is wanted (did you mean red?)",
		"line 7: colour: it is there already, in line 6 (put both in one place)",
		"line 8: room: a list stands where a mapping of settings is wanted (the settings here are door and window)",
		"line 10: meals[0].name: it is missing (add the line name: lunch)",
		"line 10: meals[0].at: `later` stands where a length of time such as 90s or 15m is wanted (write a length of time such as 90s or 15m)",
		"line 12: meals[2]: the element in line 11 has the same name, a (give it another name)",
		"line 13: meals[3]: `lunch` stands where a mapping of settings is wanted (the settings here are name and at)",
		"line 14: name: anchors are not supported here (write the value where it belongs)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(err.Error(), want[0][:len("line 1: naem: there is no such setting")]) {
		t.Errorf("the text of the error is %s", err)
	}
}

func TestBadDocuments(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for text, want := range map[string]string{
		"":                            "line 1: the file is empty",
		"a: b: c":                     "line 1: mapping values are not allowed in this context",
		"wait: 1s\n---\nwait: 2s\n":   "line 2: there is a second document in the file",
		"a: 1\nb: {c: d\ne: f\n":      "line 2: did not find expected ',' or '}'",
		"a: 1\n\nb: c: d":             "line 3: mapping values are not allowed in this context",
		"a: [1,\nb: 2\nc: 3\n":        "line 3: did not find expected ',' or ']'",
		"a: 1\n- b\n":                 "line 2: did not find expected key",
		"[wait]":                      "line 1: a list stands where a mapping of settings is wanted",
		"wait:":                       "line 1: wait: nothing stands where a length of time such as 90s or 15m is wanted",
		"wait: -1s":                   "line 1: wait: `-1s` stands where",
		"wait: 99999999h":             "line 1: wait: `99999999h` stands where",
		"wait: s":                     "line 1: wait: `s` stands where",
		"count: 010":                  "line 1: count: `010` stands where",
		"count: 10":                   "line 1: count: `10` stands where a whole number from 0 to 9 is wanted",
		"count: 0x1":                  "line 1: count: `0x1` stands where",
		"on: yes":                     "line 1: on: `yes` stands where true or false is wanted",
		"name: 5":                     "line 1: name: `5` stands where a name is wanted",
		"name: ''":                    "line 1: name: an empty text stands where a name is wanted",
		`name: "a\nb"`:                "line 1: name: a line break or another control character is in the text",
		"name: " + long:               "line 1: name: a text of more than 4096 characters",
		"room: {door: 'https://x/y'}": "line 1: room.door: an address of a remote stands where a path is wanted",
		"room: &a {}\nmeals: *a":      "line 2: meals: aliases are not supported here",
		"room: {<<: {door: x}}":       "line 1: room: `<<` stands where the name of a setting is wanted",
		"? [a]\n: b":                  "line 1: a list stands where the name of a setting is wanted",
		"name: !!str 5":               "line 1: name: tags such as !!str are not supported here",
		"meals: {name: a}":            "line 1: meals: a mapping stands where a list is wanted",
		"wait: {a: b}":                "line 1: wait: a mapping stands where",
	} {
		if _, err := read(text); err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 400 {
			t.Errorf("%.80q: got %v, want %s", text, err, want)
		}
	}
}

// What the environment says holds where the document is silent, and a flag holds whatever the document says.
func TestLayers(t *testing.T) {
	below := []settings.Given{{Path: "name", Text: "5", From: "$NAME"}, {Path: "wait", Text: "1s", From: "$WAIT"}}
	above := []settings.Given{{Path: "count", Text: "7", From: "--count"}}
	document, err := settings.Read(plans, []byte("wait: 2s\ncount: 1\n"), below, above)
	if err != nil || document.Value.Name != "5" || document.Value.Wait != 2*time.Second || document.Value.Count != 7 {
		t.Errorf("%+v %v", document.Value, err)
	}
	for path, want := range map[string]settings.Source{"name": {From: "$NAME"}, "wait": {Line: 1}, "count": {From: "--count"}, "on": {}} {
		if got := document.Source(path); got != want {
			t.Errorf("%s comes from %+v, want %+v", path, got, want)
		}
	}

	_, err = settings.Read(plans, nil, nil, []settings.Given{{Path: "count", Text: "many", From: "--count"}})
	if err == nil || err.Error() != "--count: count: `many` stands where a whole number from 0 to 9 is wanted" {
		t.Errorf("got %v", err)
	}
}

// A rule judges what no single setting can say, and is silent when one of its settings is wrong anyway.
func TestRules(t *testing.T) {
	rule := settings.Rule[plan]{Paths: []string{"wait", "count"}, Broken: func(p plan) (string, string) {
		if p.Count > 2 {
			return "too much", "take less"
		}
		return "", ""
	}}
	for text, want := range map[string]string{
		"count: 1":         "",
		"\ncount: 5":       "line 2: wait: too much",
		"wait: 3s":         "line 1: wait: too much",
		"count: no":        "line 1: count: `no` stands where a whole number from 0 to 9 is wanted",
		"{}":               "wait: too much",
		"count: 8\nnam: x": "line 1: wait: too much; line 2: nam: there is no such setting",
	} {
		got := ""
		if _, err := settings.Read(plans, []byte(text), nil, nil, rule); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestChangedSettingsAreNamed(t *testing.T) {
	before := plans.Default()
	after := before
	after.Wait, after.Name, after.Room.Door, after.Meals = time.Hour, "x", "/d", []meal{{"a", time.Hour}}
	want := []settings.Change{
		{"wait", "1m", "1h"}, {"name", "", "x"}, {"room.door", "", "/d"}, {"meals", "", "[{name: a, at: 1h}]"},
	}
	got := plans.Changed(before, after)
	byPath := func(a, b settings.Change) int { return strings.Compare(a.Path, b.Path) }
	slices.SortFunc(got, byPath)
	slices.SortFunc(want, byPath)
	if diff := cmp.Diff(want, got); diff != "" || len(plans.Changed(after, after)) > 0 {
		t.Error(diff)
	}
}

func TestNearestPath(t *testing.T) {
	for typed, want := range map[string]string{
		"rom.door": "room.door", "door": "room.door", "at": "meals.at", "name": "name", "xyz": "", "": "",
	} {
		if got := settings.Nearest(typed, plans.Fields()); got != want {
			t.Errorf("%s: got %q, want %q", typed, got, want)
		}
	}
}

// FuzzRead reads anything: it never panics, tells every fault with a text, tells the same again, and what it takes can
// be written and read again.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "name: x\nwait: 1h0m\n", "meals: [{name: a}]", "meals: [null, {}]", "room: {door: x}", "a: &a [*a]", "<<: *x",
		"? {}\n: x", "name: \"\\x01\"", "wait: 1.5h", "count: 1e0", "count: .inf", "%YAML 1.1\n---\n{}", "\xff\xfe", "name: 'on'", "name: ~",
		"name: '2026-11-30'", "room: !!map {}", "name: \"#\"", "name: |\n  x\n", "meals:\n- name: \"- a: b\"\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		document, err := settings.Read(plans, data, nil, nil)
		if err != nil {
			var faults *settings.Error
			silent := func(f settings.Fault) bool { return f.Problem == "" }
			if !errors.As(err, &faults) || len(faults.Faults) == 0 || slices.ContainsFunc(faults.Faults, silent) {
				t.Fatalf("an error without a fault: %#v", err)
			}
			if _, again := settings.Read(plans, data, nil, nil); again == nil || again.Error() != err.Error() {
				t.Fatalf("first %v, then %v", err, again)
			}
			return
		}

		text, err := plans.Write(document.Value)
		if err != nil {
			t.Fatal(err)
		}
		again, err := settings.Read(plans, text, nil, nil)
		if diff := cmp.Diff(document.Value, again.Value, cmp.Comparer(slices.Equal[[]meal])); err != nil || diff != "" {
			t.Fatalf("written as\n%s%v\n%s", text, err, diff)
		}
	})
}
