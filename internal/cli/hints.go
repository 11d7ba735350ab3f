package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps/services"
	"github.com/appbur/appbur/internal/apps/statedir"
	"github.com/appbur/appbur/internal/goldens"
	"github.com/appbur/appbur/internal/history"
	"github.com/appbur/appbur/internal/pointrequest"
	"github.com/appbur/appbur/pkg/compat/golden"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/exporter"
	"github.com/appbur/appbur/pkg/restore"
	"github.com/appbur/appbur/pkg/restore/rewrite"
	"github.com/appbur/appbur/pkg/restore/session"
)

// hintRule is the next step after a family of errors, in terms of flags and commands. The
// rooms that make these errors know what is wrong, but not what the command line calls
// its cure (hints_test.go of the root holds it).
type hintRule struct {
	matches func(error) bool
	hint    string
}

// hintRules come before the hints that errors carry. The first that matches decides.
var hintRules = []hintRule{
	{
		isAny(contract.ErrServerCertificate),
		"pass --app-ca FILE with the authority that signed the certificate of the application, and an address that the certificate is for",
	},
	{
		isAny(contract.ErrClientCertificate),
		"pass --app-cert FILE and --app-key FILE with a certificate that the application trusts; --app-ca says only whom to trust from here",
	},
	{
		isAny(contract.ErrPlaintext),
		"pass --app-ca FILE, use an address unix:///path, or pass --app-insecure if the network is trusted",
	},
	{
		contractCode(codes.Unauthenticated),
		"pass --app-token-file FILE (a directory with NAMESPACE/NAME for applications that are found), or --app-cert FILE and --app-key FILE, " +
			"with what the application lets in",
	},
	{
		contractCode(codes.PermissionDenied),
		"pass --app-token-file FILE, or --app-cert FILE and --app-key FILE, with this right; exporting and importing are separate rights",
	},
	{
		isAny(exporter.ErrOtherCluster),
		"if the cluster was rebuilt, start again with --adopt-cluster; else check the address in the kubeconfig, and its load balancers",
	},
	{isAny(goldens.ErrNoGoldens), "record the releases with `appbur compat record` first"},
	{isAny(goldens.ErrSettings), `write one line, such as "support: last 3"; docs/ci.md says which windows there are`},
	{isAny(goldens.ErrNoDataset), "--schema DATASET=FILE names a dataset of the application; `appbur apps describe` lists them"},
	{isAny(goldens.ErrOtherApp), "check the address of --app, and the directory"},
	{isAny(goldens.ErrTooLarge), "record a golden from an instance with little made-up data"},
	{isAny(goldens.ErrVersion), "give the application a version such as 2.1.0"},
	{
		isAny(golden.ErrRecorded),
		"what was released does not change: give the application a new version, or take the goldens back from version control",
	},
	{isAny(golden.ErrLock), "take goldens.lock back from version control; only `appbur compat record` writes it"},
	{isAny(statedir.ErrExists), "name a directory that does not exist: nothing is written over"},
	{isAny(statedir.ErrFormat), "name a directory that `appbur apps export` wrote"},
	{isAny(statedir.ErrDamaged), "export the state again, or take it from a restore point with --point"},
	{
		isType[*statedir.SensitiveError],
		"save it with `appbur backup`, which encrypts it; or pass --plain-sensitive to write it where whoever reads the directory can read it",
	},
	{
		isAny(pointrequest.ErrNoLease),
		"name the Lease with --namespace and --lease; a daemon has one if it runs with --leader-elect (docs/run.md)",
	},
	{
		isAny(pointrequest.ErrNobodyLeads),
		"look at the pods of appbur and their logs; without a daemon, `appbur backup --repo DIR` makes a point",
	},
	{
		isAny(pointrequest.ErrNoAnswer),
		"the request was taken back; look at the log of the leader, or give it more time with --timeout",
	},
	{
		isAny(pointrequest.ErrTakenBack),
		"somebody has edited the annotations of the Lease; ask again",
	},
	{
		isType[*rewrite.CollisionError],
		"map one of the namespaces to another name, or restore them one after the other, with a selection",
	},
	{isAny(restore.ErrBlocked), "look at them with appbur plan, or appbur compat cluster for a version, then pass --allow-blocked to go on without them"},
	{isType[*session.HeldError], "wait until it has ended; if that run is gone for good, or must stop, pass --take-over"},
	{isAny(session.ErrLost), "see who restores there now; then run the same command again, it continues where it stopped"},
	{
		isAny(services.ErrNoService, services.ErrAmbiguous),
		"give one Service in its namespace the label appbur.io/app (docs/apps.md), or pass --app NAMESPACE/NAME=ADDRESS",
	},
	{isAny(services.ErrNotReady), "look at its pods; --app-wait gives them more time, --app NAMESPACE/NAME=ADDRESS names another address"},
	{isAny(restore.ErrSecretMoved), "leave the object out with --exclude-name, or pass --decrypt-secrets"},
	{
		isFailure(restore.FailureForeignFields),
		"another field manager owns these fields: run again with --conflicts force to take them over, or with --conflicts skip to leave such objects as they are",
	},
	{
		isFailure(restore.FailureUnanswered),
		"an admission webhook of the target does not answer: start its backend or remove its configuration, then run the restore again; " +
			"one whose configuration is restored, too, is let pass with --silence-dead-webhooks",
	},
	{
		isFailure(restore.FailureUnchangeable),
		"the object exists and this field cannot be changed, not by force either: run again with --replace-immutable to have it deleted and " +
			"created again, or leave the object as it is",
	},
	{
		isFailure(restore.FailureDiffers),
		"run again with --conflicts force to bring it to the restore point, or leave the object as it is",
	},
	{
		isFailure(restore.FailureUnknownField),
		"the target does not know a field of this object: see appbur plan for what conversion changed",
	},
	{
		isMissing(history.SoughtObject),
		"`appbur log` without an object shows all; short names of custom resources are not known here, so write the kind out",
	},
	{isMissing(history.SoughtState), "`appbur log` for the object shows when it was there"},
	{isMissing(history.SoughtNamespace), "check the name; `appbur log namespaces` shows those that there were"},
	{isMissing(history.SoughtCommit), "`appbur log` shows the commits"},
	{isMissing(history.SoughtParent), "`appbur log` shows what there is"},
}

func isFailure(f restore.Failure) func(error) bool {
	return func(err error) bool { return restore.FailureOf(err) == f }
}

func isMissing(sought history.Sought) func(error) bool {
	return func(err error) bool {
		var missing *history.NotFoundError
		return errors.As(err, &missing) && missing.Sought == sought
	}
}

// shownChoices is how many answers to a question a hint names.
const shownChoices = 6

// factHint is the next step that names a fact of the error, "" where there is none.
func factHint(err error) string {
	var unconnected *restore.NotConnectedError
	if errors.As(err, &unconnected) {
		return fmt.Sprintf("run the restore again with --app %s=ADDRESS, or with --find-apps if its Service is labelled, "+
			"or with --only manifests to leave state out", unconnected.App)
	}

	var ambiguous *history.AmbiguousError
	switch {
	case !errors.As(err, &ambiguous):
		return ""
	case len(ambiguous.Namespaces) > 0:
		return "say which with -n: " + appbur.Shortlist(ambiguous.Namespaces, shownChoices)
	default:
		return "say which: " + appbur.Shortlist(ambiguous.Kinds, shownChoices)
	}
}

// ownHint is the next step that only the command line knows, "" where there is none.
func ownHint(err error) string {
	for _, rules := range [][]hintRule{hintRules, gitHintRules, keyringHintRules} {
		for _, rule := range rules {
			if rule.matches(err) {
				return rule.hint
			}
		}
	}
	return cmp.Or(factHint(err), gitHint(err), repositoryHint(err))
}

// hintOf is the next step after an error, "" if none is known. What the operating system
// said comes last: everything else knows more of what the user was doing.
func hintOf(err error) string {
	if own := ownHint(err); own != "" {
		return own
	}
	if carried := appbur.HintOf(err); carried != "" {
		return carried
	}
	return appbur.FileHint(err)
}

// hintingImporter makes a report speak of flags as well.
type hintingImporter struct{ restore.Importer }

// Import implements [restore.Importer].
func (i hintingImporter) Import(ctx context.Context, app appbur.AppState) (restore.Imported, error) {
	imported, err := i.Importer.Import(ctx, app)
	if hint := hintOf(err); hint != "" {
		err = appbur.WithHint(err, hint)
	}
	return imported, err
}
