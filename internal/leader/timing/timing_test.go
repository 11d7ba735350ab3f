package timing_test

import (
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur/internal/leader/timing"
)

func TestDurationsThatElectNoSingleLeader(t *testing.T) {
	for text, unsound := range map[string]timing.Timing{
		"":                           {LeaseDuration: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: 2 * time.Second},
		"may still write after 15s":  {LeaseDuration: 15 * time.Second, RenewDeadline: 14 * time.Second, RetryPeriod: 2 * time.Second},
		"has no second try":          {LeaseDuration: 15 * time.Second, RenewDeadline: 2 * time.Second, RetryPeriod: 2 * time.Second},
		"whole seconds, and not 1.5": {LeaseDuration: 1500 * time.Millisecond, RenewDeadline: time.Second, RetryPeriod: 100 * time.Millisecond},
		"has to be looked at again":  {LeaseDuration: 15 * time.Second, RenewDeadline: 10 * time.Second},
	} {
		err := unsound.Check()
		if (text == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), text) {
			t.Errorf("%+v: %v", unsound, err)
		}
	}
}
