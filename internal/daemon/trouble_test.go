package daemon

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// logged runs some work in a bubble and returns its log lines, without times.
func logged(t *testing.T, work func(trouble *trouble)) string {
	t.Helper()
	var out bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		drop := func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}
		tr := &trouble{log: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: drop})), now: time.Now}
		work(tr)
		synctest.Wait()
		tr.report()
	})
	return strings.TrimSpace(out.String())
}

func TestOneCauseIsOneLine(t *testing.T) {
	got := logged(t, func(tr *trouble) {
		for i := range 40 {
			tr.fails(fmt.Sprintf("Kind%02d", i), fmt.Sprintf("the connection broke: dial %d", i))
			time.Sleep(100 * time.Millisecond)
		}
		tr.fails("Secret", "the account may not read this: secrets is forbidden")
	})
	want := `level=WARN msg="types cannot be read; their files stay as they are" count=40 types="Kind00, Kind01, Kind02, Kind03, Kind04 and 35 more" reason="the connection broke: dial 0"
level=WARN msg="a type cannot be read; its files stay as they are" type=Secret reason="the account may not read this: secrets is forbidden"`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// What can be read again before its failure was logged is logged nevertheless.
func TestWhatComesBackIsTold(t *testing.T) {
	got := logged(t, func(tr *trouble) {
		tr.fails("Secret", "the server failed: 500")
		time.Sleep(time.Minute)
		tr.works("Secret")
		tr.works("ConfigMap")
	})
	want := `level=WARN msg="a type cannot be read; its files stay as they are" type=Secret reason="the server failed: 500"
level=INFO msg="types can be read again" count=2 types="ConfigMap, Secret"`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// A trickle of failures is logged in time, not when it ends.
func TestATrickleIsTold(t *testing.T) {
	got := logged(t, func(tr *trouble) {
		for i := range 35 {
			tr.fails(fmt.Sprint(i), "the connection broke: x")
			time.Sleep(time.Second)
		}
	})
	if n := strings.Count(got, "\n") + 1; n != 2 {
		t.Errorf("%d lines, want 2\n%s", n, got)
	}
}
