package cli

import (
	"context"
	"fmt"

	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/repository"
)

// exportApps takes the state of every application, one after the other: an
// application that fails ends the backup before anything is written.
func exportApps(ctx context.Context, e *env, targets []apps.Target, o *appOptions) ([]repository.AppPayload, error) {
	if len(targets) == 0 {
		return nil, nil
	}
	dialer, err := o.dialer()
	if err != nil {
		return nil, err
	}
	bar := newProgress(e.Streams, e.now, "exporting applications", len(targets))
	defer bar.finish()
	payloads := make([]repository.AppPayload, 0, len(targets))
	for _, target := range targets {
		exported, err := apps.Export(ctx, dialer, target, e.rand)
		if err != nil {
			return nil, fmt.Errorf("no restore point was made: %w", err)
		}
		payloads = append(payloads, repository.AppPayload{AppState: exported.AppState, Data: exported.Data})
		bar.add(1)
	}
	return payloads, nil
}
