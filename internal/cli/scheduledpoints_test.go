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
		{[]string{"--schedule", "a=@daily", "--schedule", "a=@hourly"}, "has the same name, a"},
		{[]string{"--schedule", "@daily", "--schedule", "@hourly"}, "has the same name, default"},
		{[]string{"--schedule", "@daily", "--schedule-zone", "Mars"}, `the time zone "Mars" is not known`},
		{[]string{"--schedule", "@daily", "--schedule-jitter", "-1s"}, "stands where a length of time such as 90s or 15m is wanted"},
		{[]string{"--app", "b:1"}, `"b:1" at "" is no application`},
		{[]string{"--app-cert", "a.pem"}, "--app-cert and --app-key go together"},
	} {
		e, _, errs := testEnv(false)
		code := Run(t.Context(), e, append([]string{"run", "--repo", "nowhere"}, test.args...))
		if code != ExitUsage || !strings.Contains(errs.String(), test.want) || !strings.Contains(errs.String(), "hint:") {
			t.Errorf("%q: exit code %d\n%s", test.args, code, errs)
		}
	}
}
