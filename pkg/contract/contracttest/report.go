package contracttest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// Outcome is how a case ended.
type Outcome string

// The outcomes.
const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Skipped Outcome = "skipped"
)

// Result is the outcome of one case.
type Result struct {
	ID, Title string
	Outcome   Outcome
	// Err says why a case failed or was skipped.
	Err error
}

// Report is the outcome of all cases.
type Report struct{ Results []Result }

// Failed returns the ids of the cases that failed.
func (r Report) Failed() []string {
	var ids []string
	for _, result := range r.Results {
		if result.Outcome == Failed {
			ids = append(ids, result.ID)
		}
	}
	return ids
}

// Count returns how many cases ended so.
func (r Report) Count(o Outcome) int {
	n := 0
	for _, result := range r.Results {
		if result.Outcome == o {
			n++
		}
	}
	return n
}

// String returns one line per case and a count.
func (r Report) String() string {
	var b strings.Builder
	for _, result := range r.Results {
		fmt.Fprintf(&b, "%-8s %s %s", result.Outcome, result.ID, result.Title)
		if result.Err != nil {
			fmt.Fprintf(&b, ": %v", result.Err)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%d passed, %d failed, %d skipped\n", r.Count(Passed), r.Count(Failed), r.Count(Skipped))
	return b.String()
}

// Check runs every case and reports.
func Check(ctx context.Context, config Config) Report {
	var report Report
	for _, c := range cases {
		report.Results = append(report.Results, c.check(ctx, config))
	}
	return report
}

// Run runs every case as a subtest that is named by the id of the case.
func Run(t *testing.T, config Config) {
	t.Helper()
	var report Report
	for _, c := range cases {
		t.Run(c.id, func(t *testing.T) {
			result := c.check(t.Context(), config)
			report.Results = append(report.Results, result)
			switch result.Outcome {
			case Passed:
			case Failed:
				t.Errorf("%s: %v", c.title, result.Err)
			case Skipped:
				t.Skipf("%s: %v", c.title, result.Err)
			}
		})
	}
	t.Logf("contract cases: %d passed, %d failed, %d skipped", report.Count(Passed), report.Count(Failed), report.Count(Skipped))
}

// IDs lists the cases in their order.
func IDs() []string {
	ids := make([]string, len(cases))
	for i, c := range cases {
		ids[i] = c.id
	}
	return ids
}

// contractCase is one rule of the contract. Its id never changes its meaning.
type contractCase struct {
	id, title string
	run       func(ctx context.Context, s *session) error
}

// skip is the error of a case that cannot be run with this configuration.
type skip string

func (s skip) Error() string { return string(s) }

const defaultTimeout = time.Minute

func (c contractCase) check(ctx context.Context, config Config) Result {
	timeout := config.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := c.runOnce(ctx, config)
	result := Result{ID: c.id, Title: c.title, Outcome: Passed, Err: err}
	var skipped skip
	switch {
	case errors.As(err, &skipped):
		result.Outcome = Skipped
	case err != nil:
		result.Outcome = Failed
	}
	return result
}

func (c contractCase) runOnce(ctx context.Context, config Config) (err error) {
	instance, err := config.Start(ctx)
	if err != nil {
		return fmt.Errorf("starting the application: %w", err)
	}
	if instance.Stop != nil {
		defer func() { err = errors.Join(err, instance.Stop()) }()
	}
	client, err := contract.Dial(ctx, instance.Address, instance.Dial)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	s := &session{
		config: config, client: client, wire: contractpb.NewAppStateClient(client.Connection()),
	}
	if s.prefix, err = contract.NewOperationID(rand.Reader); err != nil {
		return err
	}
	if s.info, err = client.Info(ctx); err != nil {
		return err
	}
	if !instance.Shared {
		return c.run(ctx, s)
	}
	before, err := s.export(ctx)
	if err != nil {
		return fmt.Errorf("saving the state before the case: %w", err)
	}
	err = c.run(ctx, s)
	if _, restored := s.apply(ctx, before); restored != nil {
		err = errors.Join(err, fmt.Errorf("putting back the state before the case: %w", restored))
	}
	return err
}
