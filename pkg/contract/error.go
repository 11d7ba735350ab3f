package contract

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"syscall"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/appbur/appbur"
)

// errorDomain is the domain of every google.rpc.ErrorInfo of the contract.
const errorDomain = "appbur.dev"

// retryDelay is how long callers should wait before they try again.
const retryDelay = 2 * time.Second

// Error is a failed call. On the application's side, return one made by
// [NewError] from App, Snapshot or Transaction to say what went wrong in the
// terms of the contract. On the caller's side every failure that the application
// reported is one, found with [errors.As].
type Error struct {
	Code codes.Code
	// Reason is "" when the answer carried none: it came from a proxy, or from a
	// server that does not serve the contract.
	Reason  Reason
	Message string
	// Retryable says that the same call may succeed later.
	Retryable bool
	// Metadata names what is wrong, for example dataset and row.
	Metadata map[string]string

	cause error
}

// NewError makes an error with the code of the reason. Messages
// reach the caller as they are: never put values of sensitive rows into one.
func NewError(reason Reason, format string, args ...any) *Error {
	wrapped := fmt.Errorf(format, args...)
	return &Error{
		Code: reason.Code(), Reason: reason, Message: wrapped.Error(),
		Retryable: meanings[reason].retry, cause: errors.Unwrap(wrapped),
	}
}

// With returns a copy of the error with one more item of metadata.
func (e *Error) With(key, value string) *Error {
	with := *e
	with.Metadata = maps.Clone(e.Metadata)
	if with.Metadata == nil {
		with.Metadata = map[string]string{}
	}
	with.Metadata[key] = value
	return &with
}

// Error returns the message and the reason or code.
func (e *Error) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("%s (%s)", e.Message, e.Code)
	}
	return fmt.Sprintf("%s (%s)", e.Message, e.Reason)
}

// Unwrap returns what the error was made from in the same process.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is an *Error with the same reason, so that
// errors.Is(err, contract.NewError(contract.ReasonSchemaTooNew, "")) works.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && e.Reason != "" && e.Reason == other.Reason
}

// GRPCStatus makes the error what grpc sends.
func (e *Error) GRPCStatus() *status.Status {
	plain := status.New(e.Code, e.Message)
	info := &errdetails.ErrorInfo{Reason: string(e.Reason), Domain: errorDomain, Metadata: e.Metadata}
	full, err := plain.WithDetails(info)
	if err != nil {
		return plain
	}
	if !e.Retryable {
		return full
	}
	if retry, err := full.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(retryDelay)}); err == nil {
		return retry
	}
	return full
}

// ReasonOf returns the reason of the first contract error in the chain, or "".
func ReasonOf(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

// rowError says which row of which dataset is wrong; rows count from 1.
func rowError(reason Reason, dataset string, row int64, err error) *Error {
	return NewError(reason, "dataset %s: row %d: %w", dataset, row, err).
		With("dataset", dataset).With("row", strconv.FormatInt(row, 10))
}

// appError turns what the application returned into the error for the caller.
// Contract errors pass. Of anything else only the fact is reported when it concerns
// a sensitive dataset, because drivers like to quote values.
func appError(reason Reason, doing string, sensitive bool, err error) error {
	var known *Error
	switch {
	case errors.As(err, &known):
		return known.hinting(err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return status.FromContextError(err).Err()
	case errors.Is(err, syscall.ENOSPC):
		return NewError(ReasonNoSpace, "%s: no space left", doing)
	case sensitive:
		return NewError(reason, "%s failed; the cause is withheld because the dataset is sensitive", doing)
	default:
		return NewError(reason, "%s: %w", doing, err).hinting(err)
	}
}

// metadataHint is the item of metadata that holds what the application itself advises.
const metadataHint = "hint"

// hinting returns the error with the hint that the application gave to err, for which
// the reason alone is too general. Hints are made to be read, as messages are.
func (e *Error) hinting(err error) *Error {
	if hint := appbur.HintOf(err); hint != "" && e.Metadata[metadataHint] == "" {
		return e.With(metadataHint, hint)
	}
	return e
}

// sensitive reports whether the application has data that must not be quoted.
func (s *service) sensitive() bool {
	return slices.ContainsFunc(s.datasets, func(d *definition) bool { return d.Sensitive() })
}

// discreet is what may be logged of an error that the application returned while it
// held its data. Of an application with sensitive data that is the kind of error
// alone, unless the application made it for others to read.
func (s *service) discreet(err error) error {
	var known *Error
	if errors.As(err, &known) || !s.sensitive() {
		return err
	}
	return fmt.Errorf("an error of type %T; its text is withheld because a dataset is sensitive", err)
}

// fromStatus turns what grpc returned into what callers of the client see.
func fromStatus(doing, address string, err error) error {
	if err == nil {
		return nil
	}
	s, ok := status.FromError(err)
	if !ok {
		return fmt.Errorf("%s: %w", doing, err)
	}

	e := &Error{Code: s.Code(), Message: fmt.Sprintf("%s at %s: %s", doing, address, s.Message())}
	for _, detail := range s.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.GetDomain() == errorDomain {
				e.Reason, e.Metadata = Reason(detail.GetReason()), detail.GetMetadata()
			}
		case *errdetails.RetryInfo:
			e.Retryable = true
		}
	}

	if hint := e.Metadata[metadataHint]; hint != "" {
		return appbur.WithHint(e, hint)
	}
	if m, known := meanings[e.Reason]; known {
		return appbur.WithHint(e, m.hint)
	}

	switch s.Code() {
	case codes.Canceled:
		e.cause = context.Canceled
	case codes.DeadlineExceeded:
		e.cause, e.Retryable = context.DeadlineExceeded, true
		return appbur.WithHint(e, "the application answers too slowly or not at all; allow more time, or look into its log")
	case codes.Unavailable:
		e.Retryable = true
		return appbur.WithHint(e, "check that the application runs and listens at "+address+", and that both sides agree on TLS")
	case codes.Unimplemented:
		return appbur.WithHint(e, "what listens at "+address+" does not serve appbur.contract.v1; check the address")
	case codes.Unauthenticated, codes.PermissionDenied:
		return appbur.WithHint(e, "check the credentials for the application, and that they may export or import")
	case codes.ResourceExhausted:
		return appbur.WithHint(e, "a message is larger than the contract allows; what listens at "+address+" may not be an appbur application")
	}

	return e
}
