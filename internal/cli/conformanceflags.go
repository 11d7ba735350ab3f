package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// conformanceFlags are the fields of the kit that are flags of the command.
var conformanceFlags = map[string]string{
	"Kill": "--kill-cmd", "Terminate": "--stop-cmd", "Restart": "--restart-cmd", "Mutate": "--mutate-cmd", "Slow": "--slow-cmd",
	"Expire": "--expire-cmd", "Older": "--older", "Idle": "--idle", "Many": "--many",
}

// conformanceName is what a field of the kit is called at the command line. What a
// command cannot do is left to Go tests.
func conformanceName(field string) string {
	if flag, ok := conformanceFlags[field]; ok {
		return flag
	}
	return "the hook " + field + " of a Go test"
}

// parseExempt reads ID,ID=REASON.
func parseExempt(texts []string) (map[string]string, error) {
	exempt := map[string]string{}
	known := contracttest.IDs()
	for _, text := range texts {
		ids, reason, _ := strings.Cut(text, "=")
		if strings.TrimSpace(reason) == "" {
			return nil, exemptError(fmt.Errorf("%q gives no reason", text))
		}
		for id := range strings.SplitSeq(ids, ",") {
			if !slices.Contains(known, id) {
				return nil, exemptError(fmt.Errorf("there is no case %q", id))
			}
			if exempt[id] != "" {
				return nil, exemptError(errors.New("case " + id + " comes twice"))
			}
			exempt[id] = reason
		}
	}
	return exempt, nil
}

func exemptError(err error) error {
	return &usageError{appbur.WithHint(fmt.Errorf("--not-applicable: %w", err),
		"write ID,ID=REASON, for example IMP-026='it creates nothing itself'; --list shows the ids")}
}
