package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/deprecatedcalls"
)

// callerOptions name the audit logs in which callers of old API versions are looked for.
type callerOptions struct{ logs []string }

func (o *callerOptions) addFlags(command *cobra.Command) {
	command.Flags().StringArrayVar(&o.logs, "audit-log", nil,
		"audit log `FILE` of an API server: name the clients that still call API versions which are gone; a comma-separated list, or repeatable")
}

// read reads every log.
func (o *callerOptions) read(e *env) ([]deprecatedcalls.Calls, error) {
	var calls []deprecatedcalls.Calls
	for _, name := range listed(o.logs) {
		log, err := readCallers(name)
		if err != nil {
			hint := appbur.HintOf(err)
			if errors.Is(err, fs.ErrNotExist) {
				hint = "pass the file that the API server's own --audit-log-path names"
			}
			return nil, &usageError{appbur.WithHint(fmt.Errorf("--audit-log: %w", err), hint)}
		}
		if log.Unread > 0 {
			e.warn("%s: line %d and %d more are no audit events and were passed over", name, log.First, log.Unread-1)
		}
		calls = append(calls, log.Calls...)
	}
	return calls, nil
}

func readCallers(name string) (log deprecatedcalls.Log, err error) {
	file, err := os.Open(name)
	if err != nil {
		return log, err
	}
	defer func() { _ = file.Close() }() // only read
	if log, err = deprecatedcalls.Read(file); err != nil {
		return log, fmt.Errorf("%s: %w", name, err)
	}
	return log, nil
}

// uses are clients of API versions that a version does not serve, and records of such clients.
func (r *compatResult) uses(version appbur.KubeVersion) []oldUse {
	uses := oldUses(r.evidence, r.index, version)
	for _, c := range r.calls {
		if !c.Removed.IsZero() && version.AtLeast(c.Removed.Major, c.Removed.Minor) {
			uses = append(uses, oldUse{Who: "client", Name: c.Client(), API: c.API(), Requests: c.Count})
		}
	}
	slices.SortFunc(uses, oldUse.compare)
	return uses
}
