package contract_test

import (
	"context"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
)

// advising is an application that cannot export and knows what to do about it.
type advising struct{ contract.App }

func (advising) Snapshot(context.Context) (contract.Snapshot, error) {
	return nil, appbur.WithHint(contract.NewError(contract.ReasonAppFailed, "the table is hidden"), "GRANT SELECT ON it")
}

// What the application advises reaches the caller, instead of what the reason says alone.
func TestHintOfTheApplicationReachesTheCaller(t *testing.T) {
	_, _, err := export(t, start(t, advising{memory()}, notes()))
	wantReason(t, err, contract.ReasonAppFailed)
	if hint := appbur.HintOf(err); hint != "GRANT SELECT ON it" {
		t.Errorf("the hint is %q", hint)
	}
}
