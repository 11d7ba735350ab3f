package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/adapters/internal/tables"
	"github.com/appbur/appbur/pkg/contract"
)

func TestServerErrorsGetReasonsAndQuoteNoSensitiveValue(t *testing.T) {
	duplicate := &pgconn.PgError{
		Code: "23505", Message: "duplicate key value violates unique constraint", Detail: "Key (token)=(CANARY) already exists.",
		ConstraintName: "token_key", Where: "COPY s, line 12, column token: \"CANARY\"",
	}

	open, secret := &table{Table: tables.Table{Schema: "public", Name: "s", Dataset: "s"}}, &table{Table: tables.Table{
		Schema: "public",
		Name:   "s", Dataset: "s", Sensitive: true,
	}}
	for name, c := range map[string]struct {
		err    error
		reason contract.Reason
		want   string
	}{
		"open": {
			open.failed(duplicate, "writing"), contract.ReasonConstraintViolation,
			"writing table public.s: row 12, column token: duplicate key value violates unique constraint: Key (token)=(CANARY) already exists. (constraint token_key) (SQLSTATE 23505) (CONSTRAINT_VIOLATION)",
		},
		"sensitive": {
			secret.failed(duplicate, "writing"), contract.ReasonConstraintViolation,
			"writing table public.s: row 12, column token: the server refused it; its message is withheld because the table is sensitive (constraint token_key) (SQLSTATE 23505) (CONSTRAINT_VIOLATION)",
		},
		"bad value":  {failed(&pgconn.PgError{Code: "22P02", Message: "m"}, false, "x"), contract.ReasonPayloadInvalid, ""},
		"lock":       {failed(&pgconn.PgError{Code: "55P03", Message: "m"}, false, "x"), contract.ReasonBackendUnavailable, ""},
		"full":       {failed(&pgconn.PgError{Code: "53100", Message: "m"}, false, "x"), contract.ReasonNoSpace, ""},
		"memory":     {failed(&pgconn.PgError{Code: "53200", Message: "m"}, false, "x"), contract.ReasonBackendUnavailable, ""},
		"shutdown":   {failed(&pgconn.PgError{Code: "57P01", Message: "m"}, false, "x"), contract.ReasonBackendUnavailable, ""},
		"cancelled":  {failed(&pgconn.PgError{Code: "57014", Message: "m"}, false, "x"), contract.ReasonAppFailed, ""},
		"no right":   {failed(&pgconn.PgError{Code: "42501", Message: "m"}, false, "x"), contract.ReasonAppFailed, ""},
		"lost":       {failed(fmt.Errorf("y: %w", io.ErrUnexpectedEOF), false, "x"), contract.ReasonBackendUnavailable, ""},
		"context":    {failed(context.Canceled, false, "x"), "", "x: context canceled"},
		"other":      {failed(errors.New("y"), false, "x"), "", "x: y"},
		"known":      {failed(contract.NewError(contract.ReasonTooLarge, "y"), false, "x"), contract.ReasonTooLarge, ""},
		"no dataset": {tables.UnknownDataset("y"), contract.ReasonUnknownDataset, ""},
	} {
		if contract.ReasonOf(c.err) != c.reason || (c.want != "" && c.err.Error() != c.want) {
			t.Errorf("%s: %v, want %s %s", name, c.err, c.reason, c.want)
		}
	}
}

func TestMajorVersion(t *testing.T) {
	for text, want := range map[string]int{"15.18 (Debian 15.18-0+deb12u1)": 15, "18beta1": 18, "19devel": 19, "": 0, "x": 0} {
		if got := majorVersion(text); got != want {
			t.Errorf("majorVersion(%q) = %d, want %d", text, got, want)
		}
	}
}

// FuzzCopyText undoes the escapes as the server does.
func FuzzCopyText(f *testing.F) {
	f.Add([]byte("a\\b\tc\nd\re\\N"))
	f.Add([]byte(`\.`))
	f.Fuzz(func(t *testing.T, value []byte) {
		text := appendCopyText(nil, value)
		if bytes.ContainsAny(text, "\t\n\r") {
			t.Fatalf("%q ends a column or a row", text)
		}
		back := strings.NewReplacer(`\\`, `\`, `\t`, "\t", `\n`, "\n", `\r`, "\r").Replace(string(text))
		if back != string(value) {
			t.Fatalf("%q became %q became %q", value, text, back)
		}
	})
}

// What the server refuses says which right or setting helps, also once the table is named.
func TestServerErrorsAreAdvised(t *testing.T) {
	named := &table{Table: tables.Table{Dataset: "d", Schema: "s", Name: "t", Sensitive: true}}
	for code, want := range map[string]string{"42501": "GRANT SELECT", "55P03": "lockTimeout", "23514": "NOT VALID"} {
		if hint := appbur.HintOf(named.failed(&pgconn.PgError{Code: code}, "x")); !strings.Contains(hint, want) {
			t.Errorf("%s is advised with %q, want %q", code, hint, want)
		}
	}
	if err := advise(errors.New("x"), errors.New("x"), ""); appbur.HintOf(err) != "" {
		t.Errorf("an unknown error is advised with %q", appbur.HintOf(err))
	}
}
