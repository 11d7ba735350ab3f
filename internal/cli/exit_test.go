package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps/statedir"
	"github.com/appbur/appbur/internal/goldens"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/manifestfiles"
	"github.com/appbur/appbur/internal/pointrequest"
	"github.com/appbur/appbur/internal/rendered"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/compat/golden"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/exporter"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/restore"
	"github.com/appbur/appbur/pkg/restore/pause"
	"github.com/appbur/appbur/pkg/restore/session"
	"github.com/appbur/appbur/pkg/seal"
)

// exitCase is one error and the cause on docs/exit-codes.md that it stands for.
type exitCase struct {
	code  int
	cause string
	err   error
}

// exitCases hold the page: each of its causes has at least one.
func exitCases(t *testing.T) []exitCase {
	secrets := schema.GroupResource{Resource: "secrets"}
	failedApp := func(cause error) error {
		plan := &restore.Plan{Apps: []appbur.AppState{{}, {}}}
		return restore.Import(t.Context(), plan, hintingImporter{failingImporter{cause}}, &restore.Report{})
	}

	_, noKeys := keyring.Load(t.TempDir())

	return []exitCase{
		{ExitDone, "what was requested is done", nil},
		{ExitFailed, "anything that has no code of its own", errors.New("x")},
		{ExitFailed, "anything that has no code of its own", contract.NewError(contract.ReasonAppFailed, "x")},

		{ExitPartly, "a backup whose coverage has holes (the point is marked partial)", errPartly},
		{ExitPartly, "a backup without an application that earlier points hold", errPartly},
		{ExitPartly, "an application that is missing from the newest point (`apps list`)", errPartly},
		{ExitPartly, "something that is not well (`status`)", errPartly},
		{ExitPartly, "reports about drills that are not trusted or cannot be read (`drill history`)", errPartly},
		{ExitDrill, "what was restored is not what was saved, or a check says that it does not work (`drill`)", errDrill},
		{
			ExitUsage, "a drill is to restore into a cluster that is not empty, or that the history is of (`drill`)",
			&usageError{errDrillTarget},
		},
		{ExitPartly, "a cluster that is not well, or would not restore completely (`fleet`)", errPartly},
		{ExitPartly, "a restore in which some objects or applications failed", restore.ErrIncomplete},
		{
			ExitPartly, "a restore in which a declared phase did not become ready in time (`restore --phases`)",
			fmt.Errorf("%w: %w", restore.ErrIncomplete, restore.ErrNotReady),
		},
		{
			ExitPartly,
			"objects that a restore has paused stay paused, because they could not be released or what they need is not ready (`restore`, `activate`)",
			fmt.Errorf("x: %w", pause.ErrHeld),
		},
		{ExitPartly, "objects that could not be paused (`pause`)", fmt.Errorf("x: %w", pause.ErrActing)},
		{
			ExitPartly, "webhooks that a restore has silenced could not be put in force again (`restore`, `undo`, `activate`)",
			restore.SilenceError([]restore.SilenceOutcome{{Result: restore.SilenceFailed}}),
		},
		{
			ExitPartly, "nobody answers in time for webhooks that a restore has silenced, or created silenced (`restore`, `undo`)",
			restore.SilenceError([]restore.SilenceOutcome{{Unready: "x"}}),
		},
		{ExitPartly, "a restore in which some objects or applications failed", failedApp(errors.New("x"))},
		{ExitPartly, "a restore in which some objects or applications failed", failedApp(contract.NewError(contract.ReasonAppFailed, "x"))},
		{
			ExitPartly, "a restore, or a dry run of one, that did not import the state of an application for want of an address (`--app`)",
			failedApp(&restore.NotConnectedError{}),
		},
		{ExitPartly, "fewer remotes than required are up to date (`backup`, `remotes push`)", errPartly},
		{ExitPartly, "a restore point that has to be pushed and is not (`backup --durability pushed`, `backup --in-cluster`)", errPartly},
		{ExitPartly, "a remote that is not up to date (`remotes list`)", errPartly},
		{ExitPartly, "a restore point that cannot be read (`points list`)", errPartly},
		{ExitPartly, "a conformance check in which required cases were not run", errPartly},
		{ExitPartly, "API groups whose types cannot be read now, so that the rights to them are missing (`rbac`)", errPartly},

		{ExitPartly, "an application that is not ready (`apps describe`)", errPartly},

		{ExitDifferent, "`verify`, `diff`, `points diff`, `apps compare` and `plan --exit-code` found some", errDifferent},

		{ExitPartly, "unsigned commits or restore points (`repo check`)", checkOutcome(repository.Unsigned)},
		{ExitCredentials, "commits or restore points without a trusted signature (`repo check`)", checkOutcome(repository.Untrusted)},
		{ExitCredentials, "a signature is not trusted (`restore`, `points show`, `log --show-signature`)", repository.ErrUnsigned},
		{ExitDamaged, "`repo check` found damage", checkOutcome(repository.Damaged)},
		{ExitDamaged, "an object of the repository is damaged", gitsync.ErrCorrupt},
		{ExitDamaged, "an object of the repository is missing", gitsync.ErrObjectNotFound},
		{ExitDamaged, "the restore point that was named cannot be read", repository.ErrUnreadable},
		{ExitDamaged, "a directory of `apps export` whose payloads were changed", statedir.ErrDamaged},
		{ExitDamaged, "the history was rewritten or does not contain its anchor ([trust.md](trust.md))", repository.ErrRewritten},

		{ExitNotFound, "the repository does not exist", gitsync.ErrNoRepository},
		{ExitNotFound, "a Git repository is not one of appbur's", repository.ErrForeign},
		{ExitNotFound, "the restore point does not exist", repository.ErrNoPoint},
		{ExitNotFound, "there is no restore to undo", repository.ErrNoUndo},
		{ExitNotFound, "the commit or the object does not exist", &notFoundError{errors.New("x")}},
		{ExitNotFound, "no restore point has the application (`apps retire`)", unknownApp()},
		{ExitNotFound, "the Lease of the daemon does not exist (`backup --in-cluster`)", pointrequest.ErrNoLease},
		{ExitNotFound, "the remote repository does not exist", refusedBy(gitsync.RemoteNotFound)},

		{ExitMoved, "another process writes to the repository", gitsync.ErrRefMoved},
		{ExitMoved, "another process writes to the repository", gitsync.ErrLocked},
		{ExitMoved, "another process writes to the repository", gitsync.ErrFenced},
		{ExitMoved, "another process maintains it", gitsync.ErrPruneRaced},
		{ExitMoved, "a remote moved on: run again", refusedBy(gitsync.RemoteMoved)},

		{ExitCredentials, "a key is missing, unreadable or wrong", noKeys},
		{ExitCredentials, "a key is missing, unreadable or wrong", seal.ErrNoIdentityMatch},
		{ExitCredentials, "the cluster refused the login", exporter.ErrUnauthorized},
		{ExitCredentials, "the cluster refused the login", apierrors.NewUnauthorized("x")},
		{ExitCredentials, "the cluster refused what the account may not do", exporter.ErrForbidden},
		{ExitCredentials, "the cluster refused what the account may not do", apierrors.NewForbidden(secrets, "x", errors.New("x"))},
		{
			ExitCredentials, "the account lacks rights that the plan needs (`plan`, `restore`, `pause`, `activate`: nothing was changed)",
			restore.Rights{Missing: []restore.Right{{Verb: "create", Resource: "secrets"}}}.Err(),
		},
		{ExitCredentials, "the certificate of the cluster or of the application is not trusted", exporter.ErrCertificate},
		{
			ExitCredentials, "the certificate of the cluster or of the application is not trusted",
			&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}},
		},
		{ExitCredentials, "the application refused the token", &contract.Error{Code: codes.Unauthenticated}},
		{ExitCredentials, "the application refused the token", failedApp(&contract.Error{Code: codes.PermissionDenied})},
		{ExitCredentials, "a remote refused the login", refusedBy(gitsync.RemoteUnauthenticated)},
		{ExitCredentials, "a remote refused the login", refusedBy(gitsync.RemoteForbidden)},
		{ExitCredentials, "a signature is not trusted (`restore`, `points show`, `log --show-signature`)", repository.ErrUntrusted},
		{ExitCredentials, nobodyTrusted, keyring.ErrNobodyTrusted},
		{ExitCredentials, nobodyTrusted, repository.NobodyTrusted()},
		{ExitCredentials, "appbur.yaml is not trusted ([rules.md](rules.md))", repository.ErrPolicy},
		{ExitCredentials, "the copy is bound to no keys or to another repository ([trust.md](trust.md))", repository.ErrUnbound},
		{ExitCredentials, "the copy is bound to no keys or to another repository ([trust.md](trust.md))", repository.ErrOtherRepository},

		{ExitMoved, "a saved plan no longer holds: plan again", &planMovedError{"x"}},
		{ExitMoved, "somebody else restores to the cluster (nothing was changed)", &session.HeldError{}},
		{ExitMoved, "somebody took a restore over while it ran", session.ErrLost},
		{ExitIncompatible, "the plan contains objects that the target cannot take, and `--allow-blocked` was not given", restore.ErrBlocked},
		{
			ExitIncompatible,
			"`compat cluster` found some that are blocked, or that the schema of their kind refuses, and that `--baseline` does not know",
			&outcome{ExitIncompatible, "x"},
		},
		{
			ExitIncompatible, "`compat cluster` found manifests that a server of the version refuses, or does not serve",
			&outcome{ExitIncompatible, "x"},
		},
		{ExitIncompatible, "something is in the way of an upgrade (`upgrade plan`)", &outcome{ExitIncompatible, "x"}},
		{ExitIncompatible, tooNew, contract.NewError(contract.ReasonSchemaTooNew, "x")},
		{ExitIncompatible, tooNew, failedApp(contract.NewError(contract.ReasonSchemaTooNew, "x"))},
		{ExitIncompatible, tooNew, failedApp(contract.NewError(contract.ReasonSchemaTooOld, "x"))},
		{ExitIncompatible, "another application answers at the address", contract.NewError(contract.ReasonWrongApp, "x")},
		{ExitIncompatible, "both sides have no version of the contract in common", contract.NewError(contract.ReasonNoCommonVersion, "x")},

		{ExitIncompatible, "a golden cannot be imported, or comes out otherwise than declared (`compat payload`)", gateError(golden.Imports)},
		{ExitIncompatible, "the goldens are of another application than the one that answers (`compat payload`)", goldens.ErrOtherApp},
		{ExitGoldenEdited, "a golden was edited, or dropped inside the support window (`compat payload`)", gateError(golden.Locked)},
		{ExitGoldenEdited, "the release is recorded already, with other content (`compat record`)", golden.ErrRecorded},
		{ExitGoldenEdited, "the lock file of goldens was edited", golden.ErrLock},
		{ExitGoldenMissing, "a schema that the application reads has no golden (`compat payload`)", gateError(golden.Covered)},
		{ExitFieldUnset, "a field of a schema is set in no golden (`compat payload`)", gateError(golden.Set)},
		{ExitUpcastUnused, "an upcast changed nothing in any golden (`compat payload`)", gateError(golden.Ran)},
		{ExitUnsupported, "a release of the support window is no longer read (`compat payload`)", gateError(golden.Window)},
		{ExitSchemaBroken, "a schema changed in a breaking way (`compat payload`, `compat schema`)", gateError(golden.Schemas)},
		{ExitNotFound, "there are no goldens (`compat payload`)", goldens.ErrNoGoldens},
		{ExitUsage, "goldens.yaml is wrong (`compat payload`)", goldens.ErrSettings},
		{ExitUsage, "`--schema` names a dataset that the application does not have. Nothing was done", goldens.ErrNoDataset},
		{
			ExitUsage, "a dataset is sensitive and it was not said what to do with it (`compat record`)",
			sensitiveHint(&goldens.SensitiveError{Dataset: "x"}),
		},

		{ExitUsage, "the command line was wrong", &usageError{errors.New("x")}},
		{ExitUsage, "a configuration is wrong (`config check`, `run --config`)", &usageError{&configError{}}},
		{ExitUsage, "a manifest or a baseline cannot be read (`compat cluster`)", &usageError{manifestfiles.Errors{{What: "x"}}}},
		{
			ExitUsage,
			"the consent to what it would do is missing: `--yes` was not given, or is not enough because the target of a restore is newer than the point, or because `--prune-count` does not give the number of objects that `--prune` deletes",
			targetCluster{Since: &changedSince{Deleted: []appbur.ObjectID{{}}}}.refuse(""),
		},
		{
			ExitUsage, "the directory of `render` has files of others, or files that were changed",
			renderError("x", &rendered.OccupiedError{}),
		},

		{ExitCancelled, "an interrupt or termination signal", &stoppedError{"cancelled"}},
		{ExitCancelled, "an interrupt or termination signal", context.Canceled},
		{ExitCancelled, `the answer "no" to a confirmation`, answered("no")},
		{ExitCancelled, "an interrupt before an answer to a confirmation (nothing was changed)", interrupted()},
	}
}

func unknownApp() error {
	_, err := findApp(nil, "fleet")
	return err
}

const tooNew = "an application cannot read the schema of its payload, which is too new or too old (everything else is restored)"

const nobodyTrusted = "no signer is trusted (`plan`, `restore`, `verify`, `compat cluster`, `points show`, `points prune`, `points delete`)"

// pageCauses that [TestAppCredentials] holds with a real application.
var heldElsewhere = map[string]bool{"the application refused the certificate (`--app-cert`)": true}

// Every cause on docs/exit-codes.md has a case with its code, and every case a cause.
func TestExitCodesPage(t *testing.T) {
	page := readExitCodes(t)
	held := map[string]bool{}

	for _, c := range exitCases(t) {
		if code, known := page[c.cause]; !known || code != c.code {
			t.Errorf("docs/exit-codes.md does not say that %q has the code %d", c.cause, c.code)
		}
		held[c.cause] = true
		wrapped := c.err
		if wrapped != nil {
			wrapped = fmt.Errorf("wrapped: %w", wrapped)
		}
		if got := exitCode(wrapped); got != c.code {
			t.Errorf("%q: exit code %d, want %d (%v)", c.cause, got, c.code, c.err)
		}
	}

	for cause := range page {
		if !held[cause] && !heldElsewhere[cause] {
			t.Errorf("no case holds %q", cause)
		}
	}
}

// readExitCodes reads the causes of the page, which semicolons separate.
func readExitCodes(t *testing.T) map[string]int {
	t.Helper()
	data, err := os.ReadFile("../../docs/exit-codes.md")
	if err != nil {
		t.Fatal(err)
	}
	page := map[string]int{}

	for line := range strings.Lines(string(data)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) != 3 {
			continue
		}
		code, err := strconv.Atoi(strings.TrimSpace(cells[0]))
		if err != nil {
			continue // the header
		}
		for _, cause := range strings.Split(strings.TrimSpace(cells[2]), "; ") {
			page[cause] = code
		}
	}

	if len(page) < 20 {
		t.Fatalf("only %d causes were read", len(page))
	}
	return page
}

// refusedBy is what a remote answers.
func refusedBy(state gitsync.RemoteState) error {
	return &gitsync.RemoteError{State: state, Err: errors.New("x")}
}

// failingImporter is an application that refuses its state.
type failingImporter struct{ err error }

func (f failingImporter) Import(context.Context, appbur.AppState) (restore.Imported, error) {
	return restore.Imported{}, f.err
}

// interrupted is what a question returns that nobody answers.
func interrupted() error {
	ctx, cancel := context.WithCancel(context.Background())
	e := &env{Streams: &Streams{In: interrupting{cancel}, Err: io.Discard, InTerminal: true}}
	return e.confirm(ctx, "Go on?")
}

// interrupting is a terminal at which somebody interrupts instead of an answer.
type interrupting struct{ cancel context.CancelFunc }

// Read never returns: nobody types anything more.
func (i interrupting) Read([]byte) (int, error) {
	i.cancel()
	select {}
}

// answered is what a question returns that somebody answers.
func answered(text string) error {
	e := &env{Streams: &Streams{In: strings.NewReader(text + "\n"), Err: io.Discard, InTerminal: true}}
	return e.confirm(context.Background(), "Go on?")
}
