package health_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/appbur/appbur/internal/health"
)

func good(context.Context) error { return nil }

func bad(context.Context) error { return errors.New("12 of 80 types\nare listed") }

func TestAnswersAreThoseOfAnAPIServer(t *testing.T) {
	sound := health.Handler("/livez", health.Check{Name: "loop", Run: good}, health.Check{Name: "disk", Run: good})
	broken := health.Handler("/readyz", health.Check{Name: "list", Run: bad}, health.Check{Name: "disk", Run: good})

	for _, c := range []struct {
		handler http.Handler
		method  string
		target  string
		code    int
		body    string
	}{
		{sound, "GET", "/livez", 200, "ok"},
		{sound, "GET", "/livez?verbose", 200, "[+]loop ok\n[+]disk ok\nlivez check passed\n"},
		{sound, "GET", "/livez/disk?verbose", 200, "[+]disk ok\nlivez check passed\n"},
		{sound, "GET", "/livez/tape", 404, "there is no check \"tape\"\n"},
		{sound, "POST", "/livez", 405, "only GET\n"},
		{broken, "GET", "/readyz", 500, "[-]list failed: 12 of 80 types are listed\n[+]disk ok\nreadyz check failed\n"},
		{broken, "GET", "/readyz?exclude=list", 200, "ok"},
		{broken, "GET", "/readyz/list", 500, "[-]list failed: 12 of 80 types are listed\nreadyz check failed\n"},
	} {
		answer := httptest.NewRecorder()
		c.handler.ServeHTTP(answer, httptest.NewRequest(c.method, c.target, nil))
		if answer.Code != c.code || answer.Body.String() != c.body {
			t.Errorf("%s %s: %d %q, want %d %q", c.method, c.target, answer.Code, answer.Body, c.code, c.body)
		}
	}
}

// A check that hangs fails in time, runs once however often it is asked for, and passes when it is back.
func TestACheckThatHangsFailsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		release := make(chan struct{})
		check := health.Within(5*time.Second, health.Check{Name: "disk", Run: func(context.Context) error {
			runs.Add(1)
			<-release
			return nil
		}})

		began := time.Now()
		for range 3 {
			if err := check.Run(t.Context()); err == nil || err.Error() != "no answer within 5s" {
				t.Errorf("got %v", err)
			}
		}
		if took := time.Since(began); took != 15*time.Second || runs.Load() != 1 {
			t.Errorf("%d runs in %s", runs.Load(), took)
		}

		close(release)
		synctest.Wait()
		if err := check.Run(t.Context()); err != nil || runs.Load() != 2 {
			t.Errorf("got %v after %d runs", err, runs.Load())
		}
	})
}
