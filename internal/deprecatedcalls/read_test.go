package deprecatedcalls

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
)

// line is an event as an API server writes it, shortened to what is read.
func line(id, stage, verb, annotations string) string {
	return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"` + id + `","stage":"` + stage +
		`","verb":"` + verb + `","user":{"username":"system:serviceaccount:argocd:controller"},` +
		`"userAgent":"argocd-application-controller/v0.0.0 (linux/amd64) kubernetes/$Format",` +
		`"objectRef":{"resource":"poddisruptionbudgets","namespace":"demo","apiGroup":"policy","apiVersion":"v1beta1"},` +
		`"stageTimestamp":"2026-01-02T03:04:05.000000Z","annotations":{` + annotations + `}}`
}

const gone = `"k8s.io/deprecated":"true","k8s.io/removed-release":"1.25"`

func TestClientsOfDeprecatedAPIsAreNamed(t *testing.T) {
	t.Parallel()
	log, err := Read(strings.NewReader(strings.Join([]string{
		line("1", "RequestReceived", "list", ``),
		line("1", "ResponseComplete", "list", gone),
		line("2", "ResponseStarted", "watch", gone),
		line("2", "ResponseComplete", "watch", gone), // the same request
		line("3", "ResponseStarted", "watch", gone),  // one that still watches
		line("4", "ResponseComplete", "list", `"authorization.k8s.io/decision":"allow"`),
		`{"kind":"Event","auditID":"5","stage":"Resp`, // the server is writing this one
	}, "\n")))
	if err != nil {
		t.Fatal(err)
	}

	if log.Events != 6 || log.Unread != 1 || log.First != 7 || len(log.Calls) != 1 {
		t.Fatalf("got %+v", log)
	}
	c := log.Calls[0]
	if got, want := c.Client()+", "+c.API(),
		"system:serviceaccount:argocd:controller (argocd-application-controller), policy/v1beta1 poddisruptionbudgets"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if c.Count != 3 || c.Removed != (appbur.KubeVersion{Major: 1, Minor: 25}) {
		t.Errorf("%d requests, removed in %s", c.Count, c.Removed)
	}
	if diff := cmp.Diff([]string{"list", "watch"}, c.Verbs); diff != "" {
		t.Error(diff)
	}
}

func TestAListOfEventsIsReadAsItsEvents(t *testing.T) {
	t.Parallel()
	log, err := Read(strings.NewReader(`{"kind":"EventList","items":[` + line("1", "ResponseComplete", "get", gone) + `,` +
		line("2", "ResponseComplete", "get", gone) + `]}`))
	if err != nil || len(log.Calls) != 1 || log.Calls[0].Count != 2 {
		t.Errorf("got %+v, %v", log, err)
	}
}

func TestAFileThatIsNoAuditLogIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"I0101 a log in another format\n", `{"kind":"Pod"}`} {
		if log, err := Read(strings.NewReader(text)); err == nil || appbur.HintOf(err) == "" {
			t.Errorf("%q gave %+v, %v", text, log, err)
		}
	}
	if log, err := Read(strings.NewReader("\n")); err != nil || log.Events != 0 {
		t.Errorf("an empty log gave %+v, %v", log, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(line("1", "ResponseComplete", "list", gone))
	f.Add(`{"kind":"EventList","items":[{"kind":"EventList","items":[null]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		log, err := Read(strings.NewReader(text))
		for _, c := range log.Calls {
			if err != nil || c.Count < 1 || len(c.Verbs) == 0 {
				t.Errorf("%+v, %v", c, err)
			}
		}
	})
}
