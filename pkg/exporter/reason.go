package exporter

import (
	"context"
	"errors"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Cause is one of the reasons why a type cannot be read. The set is closed, and the
// texts are stable.
type Cause string

// The causes.
const (
	CauseExpired      Cause = "continue_token_expired"
	CauseAbsent       Cause = "not_served"
	CauseForbidden    Cause = "forbidden"
	CauseUnauthorized Cause = "unauthorized"
	CauseConversion   Cause = "conversion_webhook"
	CauseOverloaded   Cause = "overloaded"
	CauseTimeout      Cause = "timeout"
	CauseServer       Cause = "server_error"
	CauseConnection   Cause = "connection"
	// CauseOther is every other one.
	CauseOther Cause = "other"
)

// Causes are all causes.
func Causes() []Cause {
	list := make([]Cause, 0, len(causes)+1)
	for _, c := range causes {
		list = append(list, c.cause)
	}
	return append(list, CauseOther)
}

// CauseOf returns the cause of a type that cannot be read, by the reason in its coverage.
func CauseOf(reason string) Cause {
	words, _, _ := strings.Cut(reason, ": ")
	for _, c := range causes {
		if c.words == words {
			return c.cause
		}
	}
	return CauseOther
}

// causes say in words what an error means for a type that is read. The first that
// fits is written before what the server said, which stays: it names the details.
var causes = []struct {
	cause Cause
	fits  func(error) bool
	words string
}{
	{CauseExpired, isExpired, "listing all pages takes longer than the server keeps the continue token"},
	{CauseAbsent, isAbsent, "it is not served at the moment"},
	{CauseForbidden, apierrors.IsForbidden, "the account may not read this"},
	{CauseUnauthorized, apierrors.IsUnauthorized, "the server does not accept the account"},
	{CauseConversion, isConversion, "its objects cannot be converted to the version that is read"},
	{CauseOverloaded, apierrors.IsTooManyRequests, "the server is overloaded"},
	{CauseTimeout, isTimeout, "the server did not answer in time"},
	{CauseServer, isServerError, "the server failed"},
	{CauseConnection, isConnection, "the connection broke"},
}

// isConversion reports that a conversion webhook between what is stored and
// what is read fails. API servers say so only in the text, newer ones
// as that of a corrupt object, which it is not.
func isConversion(err error) bool { return strings.Contains(err.Error(), "conversion webhook for ") }

func isTimeout(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err)
}

func isServerError(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && status.Status().Code >= http.StatusInternalServerError
}

// reasonOf writes an error in one line, for coverage.
func reasonOf(err error) string {
	text := err.Error()
	var status apierrors.APIStatus
	if errors.As(err, &status) && status.Status().Message != "" {
		text = status.Status().Message
	}
	for _, cause := range causes {
		if cause.fits(err) {
			text = cause.words + ": " + text
			break
		}
	}
	return shortLine(withoutConversion(text))
}

// shortLine is what another program said in one line of at most 500 characters, which goes into coverage and logs.
func shortLine(text string) string {
	out := []rune(text)
	for i, r := range out {
		if r == '\n' || r == '\r' || r == '\t' {
			out[i] = ' '
		}
	}
	const most = 500
	if len(out) > most {
		out = append(out[:most], '…')
	}
	return string(out)
}
