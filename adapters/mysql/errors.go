package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"

	"github.com/go-sql-driver/mysql"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
)

// ServerError is an error of the server without what must not be shown.
type ServerError struct {
	Number     uint16
	Constraint string
	// Rows says where in the payload: "row 3", or "rows 1 to 2000" when the server
	// does not say which.
	Rows string
	// Message quotes values. It is empty for sensitive tables.
	Message string
}

// Error reads like the server's own message, with the position in front.
func (e *ServerError) Error() string {
	text := e.Message
	if text == "" {
		text = "the server refused it; its message is withheld because the table is sensitive"
		if e.Constraint != "" {
			text += fmt.Sprintf(" (constraint %s)", e.Constraint)
		}
	}
	if e.Rows != "" {
		text = e.Rows + ": " + text
	}
	return fmt.Sprintf("%s (error %d)", text, e.Number)
}

// reasons maps the server's error numbers to the contract's reasons. What is not
// here is a failure of the application.
var reasons = map[uint16]contract.Reason{
	1062: contract.ReasonConstraintViolation, // duplicate entry
	1586: contract.ReasonConstraintViolation, // duplicate entry, with the key's name
	1451: contract.ReasonConstraintViolation, // a row is referred to
	1452: contract.ReasonConstraintViolation, // a reference leads nowhere
	3819: contract.ReasonConstraintViolation, // CHECK, MySQL
	4025: contract.ReasonConstraintViolation, // CHECK, MariaDB
	1048: contract.ReasonConstraintViolation, // NOT NULL
	1364: contract.ReasonConstraintViolation, // no default
	1264: contract.ReasonPayloadInvalid,      // out of range
	1265: contract.ReasonPayloadInvalid,      // truncated
	1292: contract.ReasonPayloadInvalid,      // bad date or time
	1366: contract.ReasonPayloadInvalid,      // bad number or text
	1367: contract.ReasonPayloadInvalid,      // bad value while parsing
	1406: contract.ReasonPayloadInvalid,      // too long
	1416: contract.ReasonPayloadInvalid,      // not a geometry
	1526: contract.ReasonPayloadInvalid,      // no partition for the value
	3140: contract.ReasonPayloadInvalid,      // bad JSON
	1021: contract.ReasonNoSpace,             // disk full
	1114: contract.ReasonNoSpace,             // table full
	1153: contract.ReasonTooLarge,            // larger than max_allowed_packet
	1020: contract.ReasonBackendUnavailable,  // a row changed since it was read
	1040: contract.ReasonBackendUnavailable,  // too many connections
	1053: contract.ReasonBackendUnavailable,  // shutting down
	1205: contract.ReasonBackendUnavailable,  // a lock was not to be had in time
	1213: contract.ReasonBackendUnavailable,  // deadlock
	1317: contract.ReasonBackendUnavailable,  // interrupted
	1412: contract.ReasonBackendUnavailable,  // the table changed under the snapshot
	1927: contract.ReasonBackendUnavailable,  // killed
}

var (
	rowNumber = regexp.MustCompile(`at row ([0-9]+)`)
	keyName   = regexp.MustCompile("(?:for key|CONSTRAINT) ['`]([^'`]+)['`]")
)

// failed says what was being done when err happened, in the terms of the contract,
// and leaves out the server's message, which quotes values, when sensitive rows
// are concerned.
func failed(err error, sensitive bool, format string, args ...any) error {
	return failedIn(err, sensitive, 0, 0, fmt.Sprintf(format, args...))
}

// failed says what was being done with the table when err happened.
func (t *table) failed(err error, doing string) error {
	return t.name(failed(err, t.Sensitive, "%s table %s", doing, t))
}

// failedAt is failed for a statement that wrote n rows after the first done ones.
func (t *table) failedAt(err error, done int64, n int) error {
	return t.name(failedIn(err, t.Sensitive, done, n, "writing table "+t.String()))
}

func (t *table) name(err error) error {
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

func failedIn(err error, sensitive bool, done int64, n int, doing string) error {
	var (
		known  *contract.Error
		server *mysql.MySQLError
	)

	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &server):
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", doing, err)
	case errors.Is(err, mysql.ErrPktTooLarge):
		return contract.NewError(contract.ReasonTooLarge, "%s: a row is larger than the server's max_allowed_packet: %w", doing, err)
	case connectionLost(err):
		return contract.NewError(contract.ReasonBackendUnavailable, "%s: the connection to the database broke: %w", doing, err)
	default:
		return fmt.Errorf("%s: %w", doing, err)
	}
	shown := &ServerError{Number: server.Number}
	if m := keyName.FindStringSubmatch(server.Message); m != nil {
		shown.Constraint = m[1]
	}
	row := ""
	if m := rowNumber.FindStringSubmatch(server.Message); m != nil && n > 0 {
		within, _ := strconv.ParseInt(m[1], 10, 64) // digits by the pattern
		row = strconv.FormatInt(done+within, 10)
		shown.Rows = "row " + row
	} else if n > 0 {
		shown.Rows = fmt.Sprintf("rows %d to %d", done+1, done+int64(n))
	}
	if !sensitive {
		// The server counts rows within the statement, which no caller sees.
		shown.Message = rowNumber.ReplaceAllString(server.Message, "there")
	}
	reason, ok := reasons[server.Number]
	if !ok {
		reason = contract.ReasonAppFailed
	}

	e := contract.NewError(reason, "%s: %w", doing, shown)
	for key, value := range map[string]string{"constraint": shown.Constraint, "row": row} {
		if value != "" {
			e = e.With(key, value)
		}
	}
	return advise(e, server, "")
}

func connectionLost(err error) bool {
	var lost net.Error
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, mysql.ErrInvalidConn) ||
		errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.As(err, &lost)
}
