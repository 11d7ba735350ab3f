package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
)

// ServerError is an error of the PostgreSQL server without what must not be shown.
type ServerError struct {
	SQLState   string
	Constraint string
	// Row and Column say where in the payload; they are empty when unknown.
	Row, Column string
	// Message and Detail quote values. They are empty for sensitive tables.
	Message, Detail string
}

// Error reads like PostgreSQL's own message, with the position in front.
func (e *ServerError) Error() string {
	text := e.Message
	if text == "" {
		text = "the server refused it; its message is withheld because the table is sensitive"
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Row != "" {
		where := "row " + e.Row
		if e.Column != "" {
			where += ", column " + e.Column
		}
		text = where + ": " + text
	}
	if e.Constraint != "" {
		text += fmt.Sprintf(" (constraint %s)", e.Constraint)
	}
	return fmt.Sprintf("%s (SQLSTATE %s)", text, e.SQLState)
}

// reasons maps SQLSTATEs, or their classes, to the contract's reasons. The longest
// prefix wins; what is not here is a failure of the application.
var reasons = map[string]contract.Reason{
	"08":    contract.ReasonBackendUnavailable, // connection exceptions
	"22":    contract.ReasonPayloadInvalid,     // data exceptions: a value does not fit its column
	"23":    contract.ReasonConstraintViolation,
	"40":    contract.ReasonBackendUnavailable, // serialization failure, deadlock: try again
	"53":    contract.ReasonBackendUnavailable, // too many connections, out of memory
	"53100": contract.ReasonNoSpace,            // disk full
	"55P03": contract.ReasonBackendUnavailable, // a lock was not to be had in time
	"57P":   contract.ReasonBackendUnavailable, // the server is starting or stopping
}

func reasonOf(sqlState string) contract.Reason {
	for length := min(5, len(sqlState)); length > 0; length-- {
		if reason, ok := reasons[sqlState[:length]]; ok {
			return reason
		}
	}
	return contract.ReasonAppFailed
}

// copyPosition finds where a COPY failed: "COPY t, line 3, column c: …". What
// follows the column may quote the value.
var copyPosition = regexp.MustCompile(`^COPY [^\n]*, line ([0-9]+)(?:, column ([^:\n]+))?`)

// failed says what was being done with the table when err happened.
func (t *table) failed(err error, doing string) error {
	err = failed(err, t.Sensitive, "%s table %s.%s", doing, t.Schema, t.Name)
	var known *contract.Error
	if errors.As(err, &known) && known.Metadata["dataset"] == "" {
		named := known.With("dataset", t.Dataset)
		if hint := appbur.HintOf(err); hint != "" {
			return appbur.WithHint(named, hint)
		}
		return named
	}
	return err
}

// failed says what was being done when err happened, in the terms of the contract.
// Of the server's errors it names constraint, column and row, and leaves out the
// message and details, which quote values, when sensitive rows are concerned.
func failed(err error, sensitive bool, format string, args ...any) error {
	doing := fmt.Sprintf(format, args...)
	var (
		known *contract.Error
		pg    *pgconn.PgError
		lost  net.Error
	)

	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &pg):
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", doing, err)
	case errors.As(err, &lost), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		return contract.NewError(contract.ReasonBackendUnavailable, "%s: the connection to PostgreSQL broke: %w", doing, err)
	default:
		return fmt.Errorf("%s: %w", doing, err)
	}
	shown := &ServerError{SQLState: pg.Code, Constraint: pg.ConstraintName}
	if m := copyPosition.FindStringSubmatch(pg.Where); m != nil {
		shown.Row, shown.Column = m[1], m[2]
	}
	if !sensitive {
		shown.Message, shown.Detail = pg.Message, pg.Detail
	}

	e := contract.NewError(reasonOf(pg.Code), "%s: %w", doing, shown)
	for key, value := range map[string]string{"constraint": shown.Constraint, "row": shown.Row, "column": shown.Column} {
		if value != "" {
			e = e.With(key, value)
		}
	}
	return advise(e, pg, "")
}
