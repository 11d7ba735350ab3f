package announce

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"

	"github.com/appbur/appbur"
)

// What is wrong is told each time, and what is well when it was wrong before.
func TestWhatIsToldOfPointsAndRemotes(t *testing.T) {
	recorder := events.NewFakeRecorder(100)
	a := newAnnouncer(recorder, &corev1.ObjectReference{Kind: "Lease"})
	a.Point("p1", false, nil, nil)
	a.Remote("forge", "")
	a.Point("", false, nil, errors.New("no restore point was made:\nthe disk is full"))
	a.Point("", false, nil, errors.New("no restore point was made: the disk is full"))
	a.Point("p2", true, []appbur.AppKey{{Namespace: "fleet-system", Name: "fleet"}, {Namespace: "shop", Name: "orders"}}, nil)
	a.Point("p2", true, nil, nil)
	a.Point("p3", false, nil, nil)
	a.Point("p4", false, nil, nil)
	a.Remote("forge", "no answer")
	a.Remote("vault", "")
	a.Remote("forge", "")
	a.Remote("forge", "")
	close(recorder.Events)

	var got []string
	for e := range recorder.Events {
		got = append(got, e)
	}
	want := []string{
		"Warning PointFailed no restore point was made: the disk is full",
		"Warning PointFailed no restore point was made: the disk is full",
		"Warning PointPartial Restore point p2 is partial: the state of fleet-system/fleet, shop/orders is missing, and the last that was saved stays",
		"Warning PointPartial Restore point p2 is partial: objects are missing",
		"Normal PointMade Restore point p3 is complete",
		"Warning RemoteNotUpToDate Remote forge is not up to date: no answer",
		"Normal RemoteUpToDate Remote forge has everything again",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Who has no announcer says nothing.
func TestNobodyIsToldWithoutAnAnnouncer(*testing.T) {
	var a *Announcer
	a.Point("p", true, nil, nil)
	a.Point("p", false, nil, nil)
	a.Remote("forge", "no answer")
	a.Remote("forge", "")
}

// An API server refuses notes of more than 1024 bytes.
func TestANoteIsShortEnough(t *testing.T) {
	for _, text := range []string{"", "short", strings.Repeat("x", 1024), strings.Repeat("x", 1025), "x" + strings.Repeat("山", 2000)} {
		got := shortened(text)
		if len(got) > 1024 || !utf8.ValidString(got) || len(text) <= 1024 && got != text {
			t.Errorf("%d bytes became %d: %q", len(text), len(got), got)
		}
	}
}
