package appbur_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/appbur/appbur"
)

func TestRestorePointIDSortsByAge(t *testing.T) {
	at := time.Date(2026, 11, 21, 3, 2, 38, 0, time.FixedZone("CET", 3600))
	first, second := appbur.NewRestorePointID(at, 0), appbur.NewRestorePointID(at, 1)
	later := appbur.NewRestorePointID(at.Add(time.Second), 0)
	if first != "20261121T020238Z" || second != "20261121T020238Z-1" {
		t.Errorf("ids are %s and %s", first, second)
	}
	if first >= second || second >= later {
		t.Errorf("%s, %s, %s are not in order", first, second, later)
	}

	for _, text := range []string{string(second), second.Tag()} {
		if parsed, err := appbur.ParseRestorePointID(text); err != nil || parsed != second {
			t.Errorf("ParseRestorePointID(%q) = %q, %v", text, parsed, err)
		}
	}

	for _, text := range []string{"", "latest", "2026", "20261121T020238Z/..", "20261121T020238Z-"} {
		if _, err := appbur.ParseRestorePointID(text); err == nil {
			t.Errorf("ParseRestorePointID(%q) was accepted", text)
		}
	}
}

func TestParseRestorePointRefusesOtherFormats(t *testing.T) {
	point := appbur.RestorePoint{Format: appbur.RestorePointFormat, ID: "20261121T020238Z"}
	data, err := json.Marshal(point)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := appbur.ParseRestorePoint(data); err != nil || got.ID != point.ID {
		t.Fatalf("ParseRestorePoint = %+v, %v", got, err)
	}

	// The first format had one time for the complete point.
	old, err := appbur.ParseRestorePoint([]byte(`{"format":1,"id":"20261121T020238Z","created":"2026-11-21T02:02:38Z"}`))
	if err != nil || !old.Started.Equal(old.Created) || !old.Ended.Equal(old.Created) || old.Created.IsZero() {
		t.Errorf("format 1: %+v, %v", old, err)
	}

	for _, bad := range []string{
		`{"format":0,"id":"20261121T020238Z"}`, `{"format":4,"id":"20261121T020238Z"}`,
		`{"format":99,"id":"20261121T020238Z"}`, `{"format":1,"id":"x"}`, `[]`, ``,
	} {
		if _, err := appbur.ParseRestorePoint([]byte(bad)); err == nil {
			t.Errorf("ParseRestorePoint(%s) was accepted", bad)
		}
	}
}

func FuzzParseRestorePoint(f *testing.F) {
	f.Add([]byte(`{"format":1,"id":"20261121T020238Z","cluster":{"id":"u","kubernetesVersion":"1.24.17"}}`))
	f.Add([]byte(`{"format":2,"id":"20261121T020238Z","started":"2026-11-21T02:02:38Z","apps":[{"name":"a","datasets":[{"name":"d","layout":{"method":"key-hash/1"}}]}]}`))
	f.Add([]byte(`{"format":2,"id":"20261121T020238Z","apps":[{"name":"a","datasets":[{"name":"d","sensitive":true,"digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}]}]}`))
	f.Add([]byte(`{"format":3,"id":"20261121T020238Z","apps":[{"name":"a","datasets":[{"name":"d","sensitive":true,"sealedDigest":"c2VhbGVk"},{"name":"e","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}]}]}`))

	f.Fuzz(func(t *testing.T, data []byte) {
		point, err := appbur.ParseRestorePoint(data)
		if err != nil {
			return
		}
		if _, err := appbur.ParseRestorePointID(string(point.ID)); err != nil {
			t.Errorf("accepted a point with a bad id: %v", err)
		}
		// What was accepted is accepted when it is written again, and then holds no
		// digest of a sensitive dataset.
		again, err := json.Marshal(point)
		if err != nil {
			t.Fatal(err)
		}
		back, err := appbur.ParseRestorePoint(again)
		if err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		for _, app := range back.Apps {
			for _, d := range app.Datasets {
				if d.Sensitive && !d.Digest.IsZero() {
					t.Errorf("%s shows a digest", again)
				}
			}
		}
	})
}

func TestOutermostHintWins(t *testing.T) {
	cause := errors.New("no route to host")
	inner := appbur.WithHint(cause, "check the network")
	outer := appbur.WithHint(fmt.Errorf("export of fleet: %w", inner), "start the app")
	if got := appbur.HintOf(outer); got != "start the app" {
		t.Errorf("hint = %q", got)
	}
	if outer.Error() != "export of fleet: no route to host" || !errors.Is(outer, cause) {
		t.Errorf("the chain is broken: %v", outer)
	}
	if appbur.WithHint(nil, "x") != nil || appbur.HintOf(cause) != "" {
		t.Error("no error, no hint")
	}
}
