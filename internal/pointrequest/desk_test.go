package pointrequest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	coordination "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/appbur/appbur"
)

// office is a desk that notes which points it made and how it changed the Lease.
type office struct {
	*Desk
	stop func()

	mu      sync.Mutex
	points  int
	patches []string
	// takes is how long a point takes, fails what becomes of it, refuses what becomes of patches, one after the other.
	takes time.Duration
	fails error
	// without is true where what fails makes no point.
	without bool
	refuses []error
}

func opens(t *testing.T) *office {
	t.Helper()
	o := &office{takes: time.Second}
	o.Desk = NewDesk(DeskOptions{
		Identity: "first", Patch: o.patch, Make: o.make, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Hint: func(err error) string { return appbur.HintOf(err) },
	})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { o.Run(ctx) })
	o.stop = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(o.stop)
	return o
}

func (o *office) make(ctx context.Context) (appbur.RestorePointID, bool, error) {
	select {
	case <-time.After(o.takes):
	case <-ctx.Done():
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.without {
		return "", false, o.fails
	}
	o.points++
	return appbur.RestorePointID(fmt.Sprint("point-", o.points)), false, o.fails
}

func (o *office) patch(_ context.Context, how types.PatchType, patch []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.refuses) > 0 {
		err := o.refuses[0]
		o.refuses = o.refuses[1:]
		return err
	}
	o.patches = append(o.patches, string(how)+" "+string(patch))
	return nil
}

// lease has the annotations KEY=VALUE.
func lease(annotations ...string) *coordination.Lease {
	l := &coordination.Lease{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{}}}
	for _, a := range annotations {
		key, value, _ := strings.Cut(a, "=")
		l.Annotations[key] = value
	}
	return l
}

// answers are what was written, by the digits of the request.
func (o *office) answers(t *testing.T) map[string]Answer {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	got := map[string]Answer{}
	for _, patch := range o.patches {
		how, text, _ := strings.Cut(patch, " ")
		if how != string(types.JSONPatchType) {
			continue
		}
		var steps []operation
		if err := json.Unmarshal([]byte(text), &steps); err != nil || len(steps) != 4 {
			t.Fatalf("%s: %v", patch, err)
		}
		var answer Answer
		value, _ := steps[3].Value.(string)
		if err := json.Unmarshal([]byte(value), &answer); err != nil {
			t.Fatal(err)
		}
		answer.At = time.Time{}
		got[strings.TrimPrefix(steps[3].Path, "/metadata/annotations/answer.points.appbur.io~1")] = answer
	}
	return got
}

// Those who ask while a point is made share the next one, and each is answered once, however often its request is seen.
func TestWhoAsksIsAnsweredOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := opens(t)
		o.See(lease("somebody=else"))
		o.See(lease(RequestPrefix + "a={}"))
		synctest.Wait()
		o.See(lease(RequestPrefix+"a={}", RequestPrefix+"b={}"))
		o.See(lease(RequestPrefix+"a={}", RequestPrefix+"b={}", RequestPrefix+"c={}"))
		time.Sleep(3 * time.Second)
		o.See(lease(RequestPrefix + "c={}"))
		o.See(lease())
		time.Sleep(3 * time.Second)

		want := map[string]Answer{
			"a": {By: "first", Point: "point-1"}, "b": {By: "first", Point: "point-2"}, "c": {By: "first", Point: "point-2"},
		}
		if diff := cmp.Diff(want, o.answers(t)); diff != "" || o.points != 2 {
			t.Errorf("%d points\n%s", o.points, diff)
		}
		first := o.patches[0]
		for _, part := range []string{
			`{"op":"test","path":"/spec/holderIdentity","value":"first"}`,
			`{"op":"test","path":"/metadata/annotations/request.points.appbur.io~1a","value":"{}"}`,
			`{"op":"remove","path":"/metadata/annotations/request.points.appbur.io~1a"}`,
		} {
			if !strings.Contains(first, part) {
				t.Errorf("the answer does not demand %s: %s", part, first)
			}
		}
	})
}

var leaseKind = coordination.SchemeGroupVersion.WithKind("Lease").GroupKind()

// An answer that does not arrive is sent again; one that the API server refuses is not, because another process leads.
func TestAnswersThatDoNotArrive(t *testing.T) {
	for name, c := range map[string]struct {
		refuses []error
		want    map[string]Answer
	}{
		"no connection": {[]error{errors.New("connection refused"), errors.New("connection refused")}, map[string]Answer{
			"a": {By: "first", Point: "point-1"},
		}},
		"another leads": {
			[]error{fmt.Errorf("changing the Lease: %w", apierrors.NewInvalid(leaseKind, "appbur", nil))},
			map[string]Answer{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := opens(t)
				o.refuses = c.refuses
				for range 20 { // as it is renewed
					o.See(lease(RequestPrefix + "a={}"))
					time.Sleep(2 * time.Second)
				}
				if diff := cmp.Diff(c.want, o.answers(t)); diff != "" || o.points != 1 {
					t.Errorf("%d points\n%s", o.points, diff)
				}
			})
		})
	}
}

// A leader that ends leaves the request to the next one.
func TestALeaderThatEndsAnswersNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := opens(t)
		o.See(lease(RequestPrefix + "a={}"))
		synctest.Wait()
		o.stop()
		if len(o.patches) > 0 {
			t.Errorf("%q", o.patches)
		}
	})
}

func TestAPointThatCannotBeMadeIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := opens(t)
		o.fails, o.without = appbur.WithHint(errors.New(strings.Repeat("x", 5000)), "look at the application"), true
		o.See(lease(RequestPrefix + "a={}"))
		time.Sleep(2 * time.Second)
		answer := o.answers(t)["a"]
		if answer.Point != "" || len([]rune(answer.Error)) != longest+1 || answer.Hint != "look at the application" {
			t.Errorf("%+v", answer)
		}
	})
}

// A point that is made and does not count yet is named beside the reason.
func TestWhoAsksIsToldOfAPointThatDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := opens(t)
		o.fails = appbur.WithHint(errors.New("no remote holds it"), "push")
		o.See(lease(RequestPrefix + "a={}"))
		time.Sleep(2 * time.Second)
		answer := o.answers(t)["a"]
		if answer.Point != "point-1" || answer.Error != "no remote holds it" || answer.Hint != "push" {
			t.Errorf("%+v", answer)
		}
		if text := (&FailedError{answer}).Error(); text != "the daemon first made point-1, which does not count yet: no remote holds it" {
			t.Error(text)
		}
	})
}

func TestOldAnswersAreTakenAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := opens(t)
		old, fresh := Answer{At: time.Now().Add(-2 * time.Hour)}, Answer{At: time.Now()}
		o.See(lease(AnswerPrefix+"old="+string(encode(old)), AnswerPrefix+"fresh="+string(encode(fresh))))
		synctest.Wait()
		if want := []string{string(types.MergePatchType) + ` {"metadata":{"annotations":{"answer.points.appbur.io/old":null}}}`}; !cmp.Equal(want, o.patches) {
			t.Errorf("%q", o.patches)
		}
	})
}
