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

// caseFunc is the code of a case. An error that is a skip skips it.
type caseFunc func(ctx context.Context, s *session) error

// Check runs every selected case and reports. It ends early, with the cases so
// far, when ctx ends.
func Check(ctx context.Context, config Config) Report {
	return CheckEach(ctx, config, func(Result) {})
}

// CheckEach is [Check] and reports each result as soon as it is there.
func CheckEach(ctx context.Context, config Config, onResult func(Result)) Report {
	config = config.withDefaults()
	var report Report
	for _, c := range cases {
		if ctx.Err() != nil {
			break
		}
		if config.Run == nil || config.Run.MatchString(c.ID) {
			result := c.check(ctx, config)
			report.Results = append(report.Results, result)
			onResult(result)
		}
	}
	return report
}

// Run runs every selected case as a subtest that is named by the id of the case.
func Run(t *testing.T, config Config) {
	t.Helper()
	config = config.withDefaults()
	var report Report

	for _, c := range cases {
		if config.Run != nil && !config.Run.MatchString(c.ID) {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			result := c.check(t.Context(), config)
			report.Results = append(report.Results, result)
			for _, note := range result.Notes {
				t.Logf("note: %s", note)
			}
			switch {
			case result.Outcome == Failed:
				t.Errorf("%s: %v", c.Title, result.Err)
			case result.missing() && config.Strict:
				t.Errorf("%s: %s: %v", c.Title, result.Skip, result.Err)
			case result.Outcome == Skipped:
				t.Skipf("%s: %s: %v", c.Title, result.Skip, result.Err)
			}
		})
	}

	t.Logf("contract cases: %s", report.Summary())
}

// skip is the error of a case that cannot be run.
type skip struct {
	kind SkipKind
	why  string
}

func (s *skip) Error() string { return s.why }

// notRun skips a case for want of something.
func notRun(what string) error {
	return &skip{NotRun, "needs " + what}
}

// needs skips a case for want of fields of [Instance] or [Config], which are called
// as the user of the kit knows them.
func (s *session) needs(why string, fields ...string) error {
	names := make([]string, len(fields))
	for i, field := range fields {
		names[i] = s.named(field)
	}
	return notRun(strings.Join(names, " and ") + why)
}

// named is what the user of the kit calls a field.
func (s *session) named(field string) string {
	if s.config.Name == nil {
		return field
	}
	return s.config.Name(field)
}

func notApplicable(why string) error { return &skip{NotApplicable, why} }

func (c contractCase) check(ctx context.Context, config Config) Result {
	timeout := config.Timeout
	switch c.ID {
	case "EXP-015":
		timeout += 3 * config.Silence
	case "EXP-014":
		timeout += config.Slow
	case "NET-005":
		timeout += config.Idle
	case "NET-010":
		// A database looks its catalog over for each export.
		timeout += time.Duration(config.Many) * 100 * time.Millisecond
	}

	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	begun := now()
	s := &session{config: config}
	err := c.runOnce(bounded, s)
	result := Result{Case: c.Case, Outcome: Passed, Err: err, Notes: s.notes, Duration: now().Sub(begun)}

	var skipped *skip
	switch {
	case errors.As(err, &skipped):
		if why, ok := config.Exempt[c.ID]; ok && skipped.kind == NotRun {
			skipped = &skip{NotApplicable, why}
		}
		result.Outcome, result.Skip, result.Err = Skipped, skipped.kind, skipped
	case err != nil:
		result.Outcome = Failed
		if bounded.Err() != nil && ctx.Err() == nil {
			result.Err = fmt.Errorf("not done within %s: %w", timeout, err)
		}
	}

	return result
}

func now() time.Time {
	return time.Now() //nolint:forbidigo // how long a case took is for people; nothing is decided by it
}

func (c contractCase) runOnce(ctx context.Context, s *session) (err error) {
	instance, err := s.config.Start(ctx)
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
	s.instance, s.client, s.stub = instance, client, contractpb.NewAppStateClient(client.Connection())
	defer s.closeConnections()

	if s.prefix, err = contract.NewOperationID(rand.Reader); err != nil {
		return err
	}
	if s.info, err = client.Info(ctx); err != nil {
		return err
	}
	if err := c.applies(s); err != nil {
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

	// The state is put back also when the case used up its time.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.Timeout)
	defer cancel()
	if restored := s.putBack(ctx, before); restored != nil {
		err = fmt.Errorf("putting back the state before the case: %w", errors.Join(restored, failure(err)))
	}
	return err
}

// failure is the error of a case that is more than a skip.
func failure(err error) error {
	var skipped *skip
	if errors.As(err, &skipped) {
		return nil
	}
	return err
}

// applies evaluates the condition of a case.
func (c contractCase) applies(s *session) error {
	switch c.Condition {
	case "":
		return nil
	case conditionTLS:
		if s.instance.Dial.TLS == nil || strings.HasPrefix(s.instance.Address, "unix:") {
			return notApplicable("the application is not reached by TLS")
		}
	case conditionTokens:
		if s.instance.Credentials == nil {
			return notApplicable("the application is called without tokens")
		}
	default:
		if !s.info.Offers(c.Condition) {
			return &skip{NotOffered, "the application does not offer " + c.Condition}
		}
	}
	return nil
}
