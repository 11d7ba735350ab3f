package apps

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/appbur/appbur/pkg/contract"
)

// capabilityFingerprint is that of applications that say cheaply whether their state has changed.
const capabilityFingerprint = "fingerprint.v1"

// Mark returns a text that is another one when an application of another version answers, other datasets of it are saved, or
// its state has changed; "" if the application cannot say so. It may be compared, and says nothing else.
func Mark(ctx context.Context, d Dialer, t Target) (string, error) {
	client, err := d.dial(ctx, t, 0)
	if err != nil {
		return "", err
	}
	defer hangUp(client)
	info, err := client.Info(ctx)
	if err != nil || !info.Offers(capabilityFingerprint) {
		return "", err
	}
	tokens, err := client.Fingerprints(ctx)
	if err != nil {
		return "", fmt.Errorf("application %s: %w", t.AppKey, err)
	}
	return markOf(info, t.Datasets, tokens), nil
}

func markOf(info contract.Info, saved []string, tokens map[string][]byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %q %q", info.App, info.Version, saved)
	for _, d := range info.Datasets {
		fmt.Fprintf(&b, " %q:%s", d.Name, d.Schema)
	}
	for _, name := range slices.Sorted(maps.Keys(tokens)) {
		fmt.Fprintf(&b, " %q=%s", name, hex.EncodeToString(tokens[name]))
	}
	return b.String()
}
