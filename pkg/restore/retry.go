package restore

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/appbur/appbur/internal/backoff"
)

// retryRule says which errors pass by themselves. The first rule that matches decides.
type retryRule struct {
	name    string
	reason  string
	matches func(err error) bool
	// throttle is true when the server wants fewer requests, and not merely later ones.
	throttle bool
	// never is true when the error will not pass, whatever later rules say.
	never bool
}

var retryRules = []retryRule{
	{
		name: "cancelled", reason: "the user wants to stop",
		matches: func(err error) bool { return errors.Is(err, context.Canceled) }, never: true,
	},
	{
		name: "schema", reason: "the server reports fields it does not know as an internal error, but it will never know them",
		matches: func(err error) bool { return mentions(err, "failed to create typed patch object") }, never: true,
	},
	{
		name: "one-key", reason: "server-side apply reports two elements of one key as an internal error, but there will always be two",
		matches: cannotApply, never: true,
	},
	{
		name: "throttled", reason: "the server reports that it is overloaded",
		matches: func(err error) bool { return apierrors.IsTooManyRequests(err) }, throttle: true,
	},
	{
		name: "unavailable", reason: "the server is starting, stopping or behind an unready proxy",
		matches: func(err error) bool {
			return apierrors.IsServiceUnavailable(err) || apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) || hasCode(err, 502, 503, 504)
		},
	},
	{
		name: "internal", reason: "etcd elections and webhooks that are not ready yet show up as internal errors",
		matches: func(err error) bool { return apierrors.IsInternalError(err) || hasCode(err, 500) },
	},
	{
		name: "raced", reason: "another client wrote the object at the same moment; the next try sees it",
		matches: isRaced,
	},
	{
		name: "account", reason: "the controller makes the default account shortly after its namespace",
		matches: func(err error) bool {
			return apierrors.IsForbidden(err) && mentions(err, "error looking up service account")
		},
	},
	{
		name: "quota", reason: "a new quota refuses everything until the controller has counted",
		matches: func(err error) bool { return apierrors.IsForbidden(err) && mentions(err, "status unknown for quota") },
	},
	{
		name: "network", reason: "connections break",
		matches: isNetwork,
	},
}

// transient returns the rule that says that err will pass, or nil.
func transient(err error) *retryRule {
	for i := range retryRules {
		if rule := &retryRules[i]; rule.matches(err) {
			if rule.never {
				return nil
			}
			return rule
		}
	}
	return nil
}

// IsTransient reports whether an error of the target passes by itself.
func IsTransient(err error) bool { return err != nil && transient(err) != nil }

// IsAdmission reports whether a write was refused by admission in the target, or by a webhook of it
// that did not answer, rather than by the server itself.
func IsAdmission(err error) bool {
	return mentions(err, "failed calling webhook") || mentions(err, "admission webhook") || mentions(err, "ValidatingAdmissionPolicy")
}

// isRaced reports whether another client wrote the object at the same moment.
func isRaced(err error) bool {
	return apierrors.IsAlreadyExists(err) || apierrors.IsConflict(err) && !isFieldConflict(err)
}

// isFieldConflict reports whether fields belong to other managers, as opposed to
// two writes at the same moment.
func isFieldConflict(err error) bool {
	return apierrors.IsConflict(err) && apierrors.HasStatusCause(err, metav1.CauseTypeFieldManagerConflict)
}

func isNetwork(err error) bool {
	var network net.Error
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, io.EOF) || mentions(err, "when reading response body") || // client-go, rest/request.go
		errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded)
}

func hasCode(err error, codes ...int32) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return false
	}
	for _, code := range codes {
		if status.Status().Code == code {
			return true
		}
	}
	return false
}

func mentions(err error, text string) bool { return err != nil && strings.Contains(err.Error(), text) }

const (
	// With the backoff below, a step is tried for about half a minute.
	maxAttempts = 12
	// A server that throttles is alive, and is tried for much longer.
	maxThrottled = 100
)

// attempts is the backoff between the attempts of a step.
var attempts = backoff.Backoff{First: 100 * time.Millisecond, Most: 5 * time.Second}

// delay is how long to wait before the next attempt, counted from 1.
func delay(attempt, step int) time.Duration {
	return backoff.Jitter(attempts.Delay(attempt-1), strconv.Itoa(step))
}
