package audit

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// The parts of which the events of the tests are made.
const (
	head = `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"a1","stage":"ResponseComplete",` +
		`"requestReceivedTimestamp":"2026-11-30T12:00:10.100000Z","stageTimestamp":"2026-11-30T12:00:10.200000Z",` +
		`"user":{"username":"alice","groups":["g"]},"userAgent":"kubectl/v1.37.1 (linux/amd64)",`
	about   = `"objectRef":{"resource":"configmaps","namespace":"default","name":"a","apiVersion":"v1"},`
	about6  = `"objectRef":{"resource":"configmaps","namespace":"default","name":"a","apiVersion":"v1","resourceVersion":"6"},`
	fine    = `"responseStatus":{"metadata":{},"code":200}`
	created = `"responseStatus":{"metadata":{},"code":201}`
	here    = `"requestURI":"/api/v1/namespaces/default/configmaps/a",`
	answer7 = `,"responseObject":{"kind":"ConfigMap","metadata":{"name":"a","uid":"u","resourceVersion":"7"}}}`
)

// TestParse has a row for each shape of a write, with what is proven of it.
func TestParse(t *testing.T) {
	deleting := func(more string) string {
		return `,"responseObject":{"kind":"ConfigMap","metadata":{"name":"a","uid":"u","resourceVersion":"7",` +
			`"deletionTimestamp":"2026-11-30T12:00:10Z"` + more + `}}}`
	}
	for _, test := range []struct{ name, event, want string }{
		{"a create", head + here + about + created + `,"verb":"create"` + answer7, "alice create u@7 certain created kubectl"},
		{"an update", head + here + about6 + fine + `,"verb":"update"` + answer7, "alice update u@7 certain replaced=6 kubectl"},
		{"an update of any version", head + here + about + fine + `,"verb":"update"` + answer7, "alice update u@7 kubectl"},
		{
			"an update without a change",
			head + here + about6 + fine + `,"verb":"update","responseObject":{"metadata":{"uid":"u","resourceVersion":"6"}}}`, "",
		},
		{"a patch", head + here + about + fine + `,"verb":"patch","requestObject":{"data":{"a":"b"}}` + answer7, "alice patch u@7 kubectl"},
		{
			"a patch of a version",
			head + here + about + fine + `,"verb":"patch","requestObject":{"metadata":{"resourceVersion":"6"}}` + answer7,
			"alice patch u@7 certain replaced=6 kubectl",
		},
		{
			"a JSON patch of a version",
			head + here + about + fine +
				`,"verb":"patch","requestObject":[{"op":"test","path":"/metadata/resourceVersion","value":"6"},{"op":"remove","path":"/x"}]` + answer7,
			"alice patch u@7 certain replaced=6 kubectl",
		},
		{
			"a patch that removes", head + here + about + fine + `,"verb":"patch","requestObject":{"data":{"a":null}}` + answer7,
			"alice patch u@7 kubectl",
		},
		{
			"an apply that creates",
			head + strings.Replace(here, "/a\"", "/a?fieldManager=flux&force=true\"", 1) + about + created + `,"verb":"patch"` + answer7,
			"alice patch u@7 certain created flux",
		},
		{"a dry run", head + strings.Replace(here, "/a\"", "/a?dryRun=All\"", 1) + about + created + `,"verb":"create"` + answer7, ""},
		{
			"a failure",
			head + here + about + `"responseStatus":{"code":409},"verb":"create","responseObject":{"kind":"Status"}}`, "",
		},
		{"a read", head + here + about + fine + `,"verb":"get"` + answer7, ""},
		{"not yet", strings.Replace(head, "ResponseComplete", "RequestReceived", 1) + here + about + fine + `,"verb":"update"}`, ""},
		{"no object", head + `"requestURI":"/healthz",` + fine + `,"verb":"create"}`, ""},
		{
			"impersonated", head + here + about + created + `,"verb":"create","impersonatedUser":{"username":"bob"}` + answer7,
			"alice as bob create u@7 certain created kubectl",
		},
		{
			"a Secret", strings.Replace(head, "RequestResponse", "Metadata", 1) + here + about6 + fine + `,"verb":"update"}`,
			"alice update @ replaced=6 blind kubectl",
		},
		{
			"a deletion",
			head + here + about + `"responseStatus":{"code":200,"details":{"name":"a","uid":"u"}},"verb":"delete"}`, "alice delete u@ gone kubectl",
		},
		{
			"a deletion that is tried",
			head + here + about + `"responseStatus":{"code":200,"details":{"name":"a","uid":"u"}},"verb":"delete",` +
				`"requestObject":{"kind":"DeleteOptions","dryRun":["All"]}}`, "",
		},
		{
			"a deletion that waits", head + here + about + fine + `,"verb":"delete"` + deleting(`,"finalizers":["x"]`),
			"alice delete u@7 certain marks kubectl",
		},
		{
			"a deletion that others had asked for",
			head + here + about + fine + `,"verb":"delete"` + strings.Replace(deleting(`,"finalizers":["x"]`), "10Z", "09Z", 1), "",
		},
		{
			"a deletion with a grace period",
			head + here + about + fine + `,"verb":"delete"` +
				strings.Replace(deleting(`,"deletionGracePeriodSeconds":30`), "10Z", "40Z", 1),
			"alice delete u@7 certain marks kubectl",
		},
		{"the last finalizer", head + here + about6 + fine + `,"verb":"update"` + deleting(""), "alice update u@ replaced=6 gone kubectl"},
		{
			"a namespace that waits",
			head + here + about + fine + `,"verb":"delete","responseObject":{"kind":"Namespace","metadata":{"uid":"u","resourceVersion":"7",` +
				`"deletionTimestamp":"2026-11-30T12:00:10Z"},"spec":{"finalizers":["kubernetes"]}}}`,
			"alice delete u@7 certain marks kubectl",
		},
		{
			"all of a type",
			head + here + `"objectRef":{"resource":"configmaps","namespace":"default"},` + fine + `,"verb":"deletecollection",` +
				`"responseObject":{"kind":"ConfigMapList","items":[{"metadata":{"name":"a","uid":"u"}},` +
				`{"metadata":{"name":"b","uid":"v","finalizers":["x"]}},{"metadata":{"uid":"w","deletionTimestamp":"2026-11-30T12:00:10Z"}}]}}`,
			"alice deletecollection u@ gone kubectl, alice deletecollection v@ marks kubectl",
		},
		{
			"an eviction",
			head + here + `"objectRef":{"resource":"pods","subresource":"eviction","name":"a"},` + created +
				`,"verb":"create","responseObject":{"kind":"Status"}}`, "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			facts, err := Parse([]byte(test.event))
			if err != nil || !json.Valid([]byte(test.event)) {
				t.Fatal(err)
			}
			if got := describe(facts); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

func describe(facts []Fact) string {
	var all []string
	for _, f := range facts {
		words := []string{f.String(), f.Verb, f.UID + "@" + f.ResourceVersion}
		for _, flag := range []struct {
			word string
			is   bool
		}{
			{"certain", f.Certain},
			{"created", f.Created},
			{"replaced=" + f.Replaced, f.Replaced != ""},
			{"marks", f.Marks},
			{"gone", f.Gone},
			{"blind", f.Blind},
		} {
			if flag.is {
				words = append(words, flag.word)
			}
		}
		all = append(all, strings.Join(append(words, f.Manager), " "))
	}
	return strings.Join(all, ", ")
}

// TestParseRefuses: what cannot be read is counted by its reason, and proves nothing.
func TestParseRefuses(t *testing.T) {
	fits := head + here + about6 + fine + `,"verb":"update"` + answer7
	for name, test := range map[string]struct {
		event string
		want  error
	}{
		"no JSON":          {`{`, ErrDamaged},
		"no event":         {`{}`, ErrDamaged},
		"a list":           {`[]`, ErrDamaged},
		"no time":          {strings.Replace(fits, `"2026-11-30T12:00:10.100000Z"`, `null`, 1), ErrDamaged},
		"answered before":  {strings.Replace(fits, `12:00:10.100000Z`, `12:00:11.100000Z`, 1), ErrDamaged},
		"no URI":           {strings.Replace(fits, `/api/v1/`, `\n`, 1), ErrDamaged},
		"an odd object":    {strings.Replace(fits, `"uid":"u"`, `"uid":7`, 1), ErrDamaged},
		"truncated":        {strings.Replace(fits, `"verb"`, `"annotations":{"audit.k8s.io/truncated":"true"},"verb"`, 1), ErrTruncated},
		"a very long name": {strings.Replace(fits, `alice`, strings.Repeat("a", 2000), 1), ErrLongName},
	} {
		if facts, err := Parse([]byte(test.event)); !errors.Is(err, test.want) || facts != nil {
			t.Errorf("%s: %v, %v", name, facts, err)
		}
	}
}

// TestManagerOf has the cases of the API server's own function.
func TestManagerOf(t *testing.T) {
	for agent, want := range map[string]string{
		"":                        "",
		"kubectl/v1.37":           "kubectl",
		"a\x00b\n/x":              "ab",
		"/":                       "",
		strings.Repeat("ä", 100):  strings.Repeat("ä", 64),
		"Mozilla (a) Gecko/2 x/1": "Mozilla (a) Gecko",
	} {
		if got := managerOf(agent); got != want {
			t.Errorf("%q: %q, want %q", agent, got, want)
		}
	}
}

// FuzzParse: no event makes the parser panic, or a fact that says less than it promises.
func FuzzParse(f *testing.F) {
	for _, verb := range []string{"create", "update", "patch", "delete", "deletecollection"} {
		f.Add([]byte(head + here + about6 + fine + `,"verb":"` + verb + `","requestObject":{"data":{"a":null}}` + answer7))
		f.Add([]byte(head + here + about + created + `,"verb":"` + verb + `","impersonatedUser":{"username":"b\u0000<\n>"}` + answer7))
	}
	f.Add([]byte(head + here + about + fine + `,"verb":"delete","responseObject":{"kind":"Namespace","metadata":{"uid":"u","resourceVersion":"7",` +
		`"deletionTimestamp":"2026-11-30T12:00:10Z","deletionGracePeriodSeconds":-9223372036854775808},"spec":{"finalizers":["kubernetes"]}}}`))
	f.Add([]byte(head + here + about + fine + `,"verb":"patch","requestObject":[{"op":"replace","path":"/metadata/resourceVersion","value":"6"}]}`))

	f.Fuzz(func(t *testing.T, event []byte) {
		facts, err := Parse(event)
		if err != nil && len(facts) > 0 {
			t.Errorf("facts in spite of %v", err)
		}
		l := NewLedger(Limits{}, noon)
		l.Add(facts...)
		for _, fact := range facts {
			switch {
			case fact.Received.IsZero() || fact.At.Before(fact.Received):
				t.Errorf("no time: %+v", fact)
			case fact.Certain && (fact.UID == "" || fact.ResourceVersion == "" || fact.ResourceVersion == fact.Replaced):
				t.Errorf("certain of nothing: %+v", fact)
			case (fact.Gone || fact.Marks) && fact.UID == "":
				t.Errorf("a deletion of nothing: %+v", fact)
			}
			// Another object, and another version, are never answered.
			other := Change{Event: Modified, Kind: "X", Name: "x", UID: fact.UID + "x", ResourceVersion: fact.ResourceVersion, Seen: fact.At}
			if facts, proven := l.Who(other); proven {
				t.Errorf("%+v is answered with %+v", other, facts)
			}
		}
	})
}
