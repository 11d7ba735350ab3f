package apps

import (
	"context"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
)

// Description is what an application says of itself.
type Description struct {
	contract.Info

	// Unready says why it does not serve now, "" if it does.
	Unready string
}

// Describe asks an application what it is and what state it has.
func Describe(ctx context.Context, d Dialer, t Target) (Description, error) {
	client, err := d.dial(ctx, t, 0)
	if err != nil {
		return Description{}, err
	}
	defer hangUp(client)
	info, err := client.Info(ctx)
	if err != nil {
		return Description{}, appbur.WithHint(err, hint(err, "look into the log of the application"))
	}

	description := Description{Info: info}
	if err := client.Ready(ctx); err != nil {
		if ctx.Err() != nil {
			return Description{}, ctx.Err()
		}
		description.Unready = err.Error()
	}
	return description, nil
}
