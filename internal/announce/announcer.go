package announce

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"

	"github.com/appbur/appbur"
)

// Controller is who the Events say they are from.
const Controller = "appbur"

// The reasons of Events. They are stable: people filter by them.
const (
	PointFailed       = "PointFailed"
	PointPartial      = "PointPartial"
	PointMade         = "PointMade"
	RemoteNotUpToDate = "RemoteNotUpToDate"
	RemoteUpToDate    = "RemoteUpToDate"
)

// Announcer makes Events on one object.
type Announcer struct {
	recorder events.EventRecorder
	about    *corev1.ObjectReference

	mu sync.Mutex
	// wrong are the actions that came to nothing the last time.
	wrong map[string]bool
}

// Start begins to make Events on a Lease, until stop is called.
func Start(ctx context.Context, config *rest.Config, lease types.NamespacedName) (a *Announcer, stop func(), err error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, nil, fmt.Errorf("a client for Events: %w", err)
	}
	about := &corev1.ObjectReference{APIVersion: "coordination.k8s.io/v1", Kind: "Lease", Namespace: lease.Namespace, Name: lease.Name}
	// With its uid `kubectl describe` finds the Events; without it they are there all the same.
	asking, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if found, err := client.CoordinationV1().Leases(lease.Namespace).Get(asking, lease.Name, metav1.GetOptions{}); err == nil {
		about.UID, about.ResourceVersion = found.UID, found.ResourceVersion
	}

	// What is refused would be logged beside the daemon's own log, each time.
	recording, end := context.WithCancel(klog.NewContext(context.WithoutCancel(ctx), logr.Discard()))
	broadcaster := events.NewBroadcaster(&events.EventSinkImpl{Interface: client.EventsV1()})
	if err := broadcaster.StartRecordingToSinkWithContext(recording); err != nil {
		end()
		return nil, nil, fmt.Errorf("recording Events: %w", err)
	}
	stop = func() {
		broadcaster.Shutdown()
		end()
	}
	return newAnnouncer(broadcaster.NewRecorder(scheme.Scheme, Controller), about), stop, nil
}

func newAnnouncer(recorder events.EventRecorder, about *corev1.ObjectReference) *Announcer {
	return &Announcer{recorder: recorder, about: about, wrong: map[string]bool{}}
}

// Point says what became of a restore point: err if none was made. missing are the applications that make it partial.
func (a *Announcer) Point(id string, partial bool, missing []appbur.AppKey, err error) {
	switch {
	case err != nil:
		a.tellWrong("MakePoint", PointFailed, err.Error())
	case partial:
		a.tellWrong("MakePoint", PointPartial, "Restore point "+id+" is partial: "+lacking(missing))
	default:
		a.tellWell("MakePoint", PointMade, "Restore point "+id+" is complete")
	}
}

// lacking says what a partial point lacks.
func lacking(missing []appbur.AppKey) string {
	const named = 10
	names := make([]string, len(missing))
	for i, app := range missing {
		names[i] = app.String()
	}
	if len(names) == 0 {
		return "objects are missing"
	}
	return "the state of " + appbur.Shortlist(names, named) + " is missing, and the last that was saved stays"
}

// Remote says what became of a push to a remote: why is empty if it has everything.
func (a *Announcer) Remote(name, why string) {
	action := "PushTo/" + name // what repeats is told apart by it
	if why != "" {
		a.tellWrong(action, RemoteNotUpToDate, "Remote "+name+" is not up to date: "+why)
		return
	}
	a.tellWell(action, RemoteUpToDate, "Remote "+name+" has everything again")
}

func (a *Announcer) tellWrong(action, reason, note string) {
	if a == nil {
		return
	}
	a.mu.Lock()
	a.wrong[action] = true
	a.mu.Unlock()
	a.recorder.Eventf(a.about, nil, corev1.EventTypeWarning, reason, action, "%s", shortened(note))
}

func (a *Announcer) tellWell(action, reason, note string) {
	if a == nil {
		return
	}
	a.mu.Lock()
	was := a.wrong[action]
	delete(a.wrong, action)
	a.mu.Unlock()
	if was {
		a.recorder.Eventf(a.about, nil, corev1.EventTypeNormal, reason, action, "%s", shortened(note))
	}
}

// longest is what an API server takes as the note of an Event, in bytes.
const longest = 1024

// shortened is one line that an API server takes.
func shortened(note string) string {
	note = strings.Join(strings.Fields(note), " ")
	if len(note) <= longest {
		return note
	}
	return strings.ToValidUTF8(note[:longest-len("…")], "") + "…"
}
