package cli

import (
	"context"
	"errors"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/pkg/restore"
)

type oneIsDown struct{ down string }

func (c oneIsDown) Check(_ context.Context, target apps.Target, _ appbur.AppState) ([]string, error) {
	if target.Name == c.down {
		return nil, appbur.WithHint(errors.New("nothing answers"), "start it")
	}
	return []string{"one row is missing"}, nil
}

// An application that cannot be reached leaves the comparison of the others alone.
func TestOneAppThatIsDownDoesNotEndAVerification(t *testing.T) {
	targets := []apps.Target{
		{AppKey: appbur.AppKey{Namespace: "team", Name: "down"}},
		{AppKey: appbur.AppKey{Namespace: "team", Name: "up"}},
	}
	compared, err := verifyApps(t.Context(), oneIsDown{"down"}, planned{plan: &restore.Plan{}}, targets, nil)
	if err == nil || len(compared) != 2 {
		t.Fatalf("%+v, %v", compared, err)
	}
	if down := compared[0]; down.Error != "nothing answers" || down.Hint != "start it" {
		t.Errorf("%+v", down)
	}
	if up := compared[1]; up.Error != "" || len(up.Differences) != 1 {
		t.Errorf("%+v", up)
	}
}
