package deprecatedcalls

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/appbur/appbur"
)

// The annotations that an API server gives to events about deprecated versions.
const (
	deprecatedKey = "k8s.io/deprecated"
	removedKey    = "k8s.io/removed-release"
)

// longestLine bounds a line of the log. An event with a request and a response of the largest size fits.
const longestLine = 8 << 20

// Calls are the requests of one client to one API version.
type Calls struct {
	// User is the name of the user or the service account, Program the first word of its user agent.
	User, Program string
	// Group, Version and Resource are what is called, with the subresource if there is one.
	Group, Version, Resource string
	// Removed is the first release that does not serve it, zero if the server does not say.
	Removed appbur.KubeVersion
	// Verbs are what is called, sorted, such as "list".
	Verbs []string
	Count int
	Last  time.Time
}

// API is the version and the resource, such as "policy/v1beta1 poddisruptionbudgets".
func (c Calls) API() string { return strings.TrimPrefix(c.Group+"/"+c.Version+" "+c.Resource, "/") }

// Client is the user, and the program that it calls with.
func (c Calls) Client() string {
	if c.Program == "" {
		return c.User
	}
	return c.User + " (" + c.Program + ")"
}

// Log is what a log says.
type Log struct {
	// Calls are sorted by client and API.
	Calls []Calls
	// Events is how many events there are, Unread how many lines are none, and First the first of those.
	Events, Unread, First int
}

type event struct {
	Kind    string  `json:"kind"`
	Items   []event `json:"items"`
	AuditID string  `json:"auditID"`
	Stage   string  `json:"stage"`
	Verb    string  `json:"verb"`
	User    struct {
		Username string `json:"username"`
	} `json:"user"`
	UserAgent string `json:"userAgent"`
	ObjectRef struct {
		APIGroup    string `json:"apiGroup"`
		APIVersion  string `json:"apiVersion"`
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
	} `json:"objectRef"`
	StageTimestamp time.Time         `json:"stageTimestamp"`
	Annotations    map[string]string `json:"annotations"`
}

// Read reads a log to its end.
func Read(log io.Reader) (Log, error) {
	r := reader{calls: map[string]*Calls{}, begun: map[string]bool{}}
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, longestLine)
	for number := 1; lines.Scan(); number++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		var e event
		if err := json.Unmarshal(line, &e); err != nil || e.Kind != "Event" && e.Kind != "EventList" {
			if r.log.Unread++; r.log.First == 0 {
				r.log.First = number
			}
			continue
		}
		for _, one := range append(e.Items, e) {
			r.take(one)
		}
	}

	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("a line is longer than %d MiB, which no audit event is", longestLine>>20)
		}
		return Log{}, err
	}
	if r.log.Events == 0 && r.log.Unread > 0 {
		return Log{}, appbur.WithHint(fmt.Errorf("line %d and %d more are no audit events", r.log.First, r.log.Unread-1),
			"pass the file of the API server's --audit-log-path, in its format json")
	}
	return r.finish(), nil
}

type reader struct {
	log   Log
	calls map[string]*Calls
	// begun are watches that were counted when they began.
	begun map[string]bool
}

func (r *reader) take(e event) {
	if e.Kind == "EventList" || e.AuditID == "" {
		return
	}
	r.log.Events++
	if e.Annotations[deprecatedKey] != "true" {
		return
	}
	// A request has an event when it arrives, one when a watch begins, and one when it ends, if it has ended.
	switch e.Stage {
	case "ResponseStarted":
		r.begun[e.AuditID] = true
	case "ResponseComplete", "Panic":
		if r.begun[e.AuditID] {
			delete(r.begun, e.AuditID)
			return
		}
	default:
		return
	}

	c := Calls{
		User: e.User.Username, Program: program(e.UserAgent),
		Group: e.ObjectRef.APIGroup, Version: e.ObjectRef.APIVersion, Resource: e.ObjectRef.Resource,
	}
	if e.ObjectRef.Subresource != "" {
		c.Resource += "/" + e.ObjectRef.Subresource
	}
	key := strings.Join([]string{c.User, c.Program, c.Group, c.Version, c.Resource}, "\x00")
	known, ok := r.calls[key]
	if !ok {
		// A release that cannot be read is none that is known.
		c.Removed, _ = appbur.ParseKubeVersion(e.Annotations[removedKey])
		known = &c
		r.calls[key] = known
	}

	known.Count++
	if e.StageTimestamp.After(known.Last) {
		known.Last = e.StageTimestamp
	}
	if !slices.Contains(known.Verbs, e.Verb) {
		known.Verbs = append(known.Verbs, e.Verb)
		slices.Sort(known.Verbs)
	}
}

// program is the first word of a user agent, without the version: "argocd-application-controller".
func program(agent string) string {
	word, _, _ := strings.Cut(agent, " ")
	name, _, _ := strings.Cut(word, "/")
	return name
}

func (r *reader) finish() Log {
	for _, c := range r.calls {
		r.log.Calls = append(r.log.Calls, *c)
	}
	slices.SortFunc(r.log.Calls, func(a, b Calls) int {
		return cmp.Or(strings.Compare(a.User, b.User), strings.Compare(a.Program, b.Program), strings.Compare(a.API(), b.API()))
	})
	return r.log
}
