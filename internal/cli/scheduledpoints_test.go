package cli

import (
	"strings"
	"testing"
)

// Schedules that make no sense are found before a repository or a cluster is looked at.
func TestSchedulesAreCheckedFirst(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--schedule", "often"}, "expected exactly 5 fields"},
		{[]string{"--schedule", "nightly=0 25 * * *"}, "schedule nightly: "},
		{[]string{"--schedule", "a=@daily", "--schedule", "a=@hourly"}, "two are called a"},
		{[]string{"--schedule", "@daily", "--schedule", "@hourly"}, "two are called default"},
		{[]string{"--schedule", "@daily", "--schedule-zone", "Mars"}, `the time zone "Mars" is not known`},
		{[]string{"--schedule", "@daily", "--schedule-jitter", "-1s"}, "a jitter of -1s is not between 0 and 24h0m0s"},
		{[]string{"--schedule-zone", "UTC"}, "--schedule-zone has no effect without --schedule"},
		{[]string{"--find-apps"}, "--find-apps has no effect without --schedule"},
		{[]string{"--app", "a=b:1"}, "--app has no effect without --schedule"},
	} {
		e, _, errs := testEnv(false)
		code := Run(t.Context(), e, append([]string{"run", "--repo", "nowhere"}, test.args...))
		if code != ExitUsage || !strings.Contains(errs.String(), test.want) || !strings.Contains(errs.String(), "hint:") {
			t.Errorf("%q: exit code %d\n%s", test.args, code, errs)
		}
	}
}
