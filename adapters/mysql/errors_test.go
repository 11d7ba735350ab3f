package mysql

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/adapters/internal/tables"
	"github.com/appbur/appbur/pkg/contract"
)

func TestServerErrorsGetReasonsAndQuoteNoSensitiveValue(t *testing.T) {
	duplicate := &mysql.MySQLError{Number: 1062, Message: "Duplicate entry 'CANARY' for key 'token'"}
	tooLong := &mysql.MySQLError{Number: 1406, Message: "Data too long for column 'word' at row 3"}

	open, secret := &table{Table: tables.Table{Schema: "db", Name: "s", Dataset: "s"}}, &table{Table: tables.Table{
		Schema: "db", Name: "s",
		Dataset: "s", Sensitive: true,
	}}
	for name, c := range map[string]struct {
		err    error
		reason contract.Reason
		want   string
	}{
		"open": {
			open.failedAt(duplicate, 2000, 7), contract.ReasonConstraintViolation,
			"writing table db.s: rows 2001 to 2007: Duplicate entry 'CANARY' for key 'token' (error 1062) (CONSTRAINT_VIOLATION)",
		},
		"sensitive": {
			secret.failedAt(duplicate, 0, 7), contract.ReasonConstraintViolation,
			"writing table db.s: rows 1 to 7: the server refused it; its message is withheld because the table is sensitive (constraint token) (error 1062) (CONSTRAINT_VIOLATION)",
		},
		"row": {
			open.failedAt(tooLong, 2000, 7), contract.ReasonPayloadInvalid,
			"writing table db.s: row 2003: Data too long for column 'word' there (error 1406) (PAYLOAD_INVALID)",
		},
		"deadlock": {failed(&mysql.MySQLError{Number: 1213}, false, "x"), contract.ReasonBackendUnavailable, ""},
		"altered":  {failed(&mysql.MySQLError{Number: 1412}, false, "x"), contract.ReasonBackendUnavailable, ""},
		"no right": {failed(&mysql.MySQLError{Number: 1142}, false, "x"), contract.ReasonAppFailed, ""},
		"packet":   {failed(mysql.ErrPktTooLarge, false, "x"), contract.ReasonTooLarge, ""},
		"lost":     {failed(mysql.ErrInvalidConn, false, "x"), contract.ReasonBackendUnavailable, ""},
		"context":  {failed(context.Canceled, false, "x"), "", "x: context canceled"},
		"other":    {failed(errors.New("y"), false, "x"), "", "x: y"},
	} {
		if contract.ReasonOf(c.err) != c.reason || (c.want != "" && c.err.Error() != c.want) {
			t.Errorf("%s: %v, want %s %s", name, c.err, c.reason, c.want)
		}
	}
}

func TestOrphansQuotesNames(t *testing.T) {
	key := foreignKey{from: "`a`.`b``c`", to: "`a`.`p`", columns: []string{"x", "y`"}, referred: []string{"k", "l"}}
	const want = "SELECT COUNT(*) FROM `a`.`b``c` c LEFT JOIN `a`.`p` p ON c.`x` = p.`k` AND c.`y``` = p.`l`" +
		" WHERE c.`x` IS NOT NULL AND c.`y``` IS NOT NULL AND p.`k` IS NULL LOCK IN SHARE MODE"
	if got := key.orphans(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// What the server refuses says which right or setting helps, also once the table is named.
func TestServerErrorsAreAdvised(t *testing.T) {
	named := &table{Table: tables.Table{Dataset: "d", Schema: "s", Name: "t", Sensitive: true}}
	for number, want := range map[uint16]string{1142: "GRANT", 1205: "lockTimeout", 1406: "MODIFY"} {
		if hint := appbur.HintOf(named.failed(&mysql.MySQLError{Number: number}, "x")); !strings.Contains(hint, want) {
			t.Errorf("%d is advised with %q, want %q", number, hint, want)
		}
	}
	if err := advise(errors.New("x"), errors.New("x"), ""); appbur.HintOf(err) != "" {
		t.Errorf("an unknown error is advised with %q", appbur.HintOf(err))
	}
}
