package schedule

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/appbur/appbur"
)

func TestNext(t *testing.T) {
	for _, test := range []struct {
		name, cron, zone string
		after            string
		want             string // times, one after the other
	}{
		{"every hour", "0 * * * *", "", "2026-11-30T08:05:00Z", "2026-11-30T09:00:00Z 2026-11-30T10:00:00Z"},
		{"exactly then is over", "0 * * * *", "", "2026-11-30T09:00:00Z", "2026-11-30T10:00:00Z"},
		{"a zone", "30 2 * * *", "Europe/Berlin", "2026-11-30T08:05:00Z", "2026-12-01T01:30:00Z"},
		{"in summer", "30 2 * * *", "Europe/Berlin", "2026-07-01T08:00:00Z", "2026-07-02T00:30:00Z"},
		{"a name", "@weekly", "", "2026-11-30T08:05:00Z", "2026-12-06T00:00:00Z"},
		{"every so long", "@every 6h", "", "2026-11-30T08:05:00Z", "2026-11-30T14:05:00Z"},
		{"a leap day", "0 0 29 2 *", "", "2026-11-30T08:05:00Z", "2028-02-29T00:00:00Z"},
		{
			"a time that does not exist", "30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z",
			"2026-03-29T01:00:00Z 2026-03-30T00:30:00Z",
		},
		{
			"midnight does not exist", "0 0 * * *", "America/Santiago", "2026-09-05T12:00:00Z",
			"2026-09-06T04:00:00Z 2026-09-07T03:00:00Z",
		},
		{
			"often, over the gap", "*/30 * * * *", "Europe/Berlin", "2026-03-29T00:20:00Z",
			"2026-03-29T00:30:00Z 2026-03-29T01:00:00Z 2026-03-29T01:30:00Z",
		},
		{
			"a time that comes twice", "30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z",
			"2026-10-25T00:30:00Z 2026-10-25T01:30:00Z 2026-10-26T01:30:00Z",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := New(Spec{Cron: test.cron, Zone: test.zone}, "")
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(time.RFC3339, test.after)
			if err != nil {
				t.Fatal(err)
			}

			for want := range strings.FieldsSeq(test.want) {
				at = s.Next(at)
				if got := at.UTC().Format(time.RFC3339); got != want {
					t.Fatalf("next is %s, want %s", got, want)
				}
			}
		})
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	for _, test := range []struct {
		spec Spec
		want string
	}{
		{Spec{Cron: "often"}, "expected exactly 5 fields"},
		{Spec{Cron: ""}, "empty spec string"},
		{Spec{Cron: "0 25 * * *"}, "above maximum"},
		{Spec{Cron: "0 0 30 2 *"}, "is never due"},
		{Spec{Cron: "TZ=0"}, "names its time zone"},
		{Spec{Cron: "CRON_TZ=Europe/Berlin 0 0 * * *"}, "names its time zone"},
		{Spec{Cron: "@daily", Zone: "Mars/Olympus"}, `the time zone "Mars/Olympus" is not known`},
		{Spec{Cron: "@daily", Zone: "Local"}, "is not known"},
		{Spec{Cron: "@daily", Name: "Every night"}, "is no name"},
		{Spec{Cron: "@daily", Jitter: -time.Second}, "is not between"},
		{Spec{Cron: "@daily", Jitter: 48 * time.Hour}, "is not between"},
	} {
		_, err := New(test.spec, "")
		if !errors.Is(err, ErrSpec) || !strings.Contains(err.Error(), test.want) || appbur.HintOf(err) == "" {
			t.Errorf("%+v: %v (hint %q)", test.spec, err, appbur.HintOf(err))
		}
	}
}

// Each cluster has its own delay, which stays the same, and the time between points is not
// changed by it.
func TestJitterSpreadsClustersAndKeepsTheInterval(t *testing.T) {
	spec := Spec{Name: "hourly", Cron: "0 * * * *", Jitter: 10 * time.Minute}
	start := time.Date(2026, 11, 30, 8, 30, 0, 0, time.UTC)
	delays := map[time.Duration]bool{}
	for _, cluster := range strings.Fields("a b c d e f g h i j k l m n o p") {
		s, err := New(spec, cluster)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := New(spec, cluster)
		first := s.Next(start)
		if again.Next(start) != first || s.Next(first).Sub(first) != time.Hour {
			t.Errorf("cluster %s: %s, then %s", cluster, first, s.Next(first))
		}

		delay := first.Sub(first.Truncate(time.Hour))
		if delay < 0 || delay >= spec.Jitter {
			t.Errorf("cluster %s is %s late", cluster, delay)
		}
		delays[delay] = true
	}
	if len(delays) < 12 {
		t.Errorf("16 clusters have %d delays", len(delays))
	}
}

// Whatever the zone and its changes of clocks, a daily schedule is due at least once in 25 hours, one
// time is later than the other, and no time lies between a time and the next.
func TestNextIsTheNext(t *testing.T) {
	zones := strings.Fields("UTC Europe/Berlin America/New_York America/Santiago Australia/Lord_Howe Asia/Kathmandu Africa/Casablanca")
	crons := []string{"30 2 * * *", "0 0 * * *", "15 1 * * *", "45 23 * * *", "*/20 * * * *"}
	rapid.Check(t, func(t *rapid.T) {
		s, err := New(Spec{
			Cron: rapid.SampledFrom(crons).Draw(t, "cron"), Zone: rapid.SampledFrom(zones).Draw(t, "zone"),
			Jitter: time.Duration(rapid.IntRange(0, 3600).Draw(t, "jitter")) * time.Second,
		}, "seed")
		if err != nil {
			t.Fatal(err)
		}

		at := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(t, "at"), 0)
		next := s.Next(at)
		if !next.After(at) || next.Sub(at) > 25*time.Hour {
			t.Fatalf("after %s comes %s", at, next)
		}
		between := at.Add(time.Duration(rapid.Int64Range(0, int64(next.Sub(at))-1).Draw(t, "between")))
		if again := s.Next(between); !again.Equal(next) {
			t.Fatalf("after %s comes %s, but after %s, which is between them, %s", at, next, between, again)
		}
	})
}

func FuzzNew(f *testing.F) {
	for seed := range strings.SplitSeq("0 * * * *|@every 1h|TZ=|CRON_TZ=a b|1-5/2 * L * ?|@|* * * * * *|@every 0s|@every -1h", "|") {
		f.Add(seed, "Europe/Berlin")
	}
	f.Fuzz(func(t *testing.T, cron, zone string) {
		s, err := New(Spec{Cron: cron, Zone: zone}, "")
		if err != nil {
			return
		}
		at := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
		if next := s.Next(at); !next.After(at) {
			t.Errorf("after %s comes %s", at, next)
		}
	})
}
