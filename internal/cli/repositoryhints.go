package cli

import (
	"errors"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/repository"
)

// keyringHintRules are the next steps after errors of a key directory.
var keyringHintRules = []hintRule{
	{isType[*keyring.ExistsError], "pass --keys with another directory; keys are never replaced"},
	{isType[*keyring.MissingError], "pass --keys DIR, the directory that `appbur init` printed"},
	{isType[*keyring.IdentityError], "pass --identity FILE with the identity that `appbur init` made, or set SOPS_AGE_KEY_FILE"},
	{isType[*keyring.TrustFileError], "pass --trust FILE in the format of allowed_signers"},
	{isAny(keyring.ErrNobodyTrusted), "pass --trust FILE with the allowed_signers of the machine that takes the backups"},
}

// repositoryHints are the next steps after errors of a repository. {DIR} is replaced by its directory, and {POINT} for
// the restore point that the error is about.
var repositoryHints = map[repository.Reason]string{
	repository.ReasonForeign:         "this is a Git repository, but not one that `appbur init` made",
	repository.ReasonBadConfig:       "docs/rules.md shows every setting; `appbur config show` shows those that are there",
	repository.ReasonBadApplications: "`appbur apps retire NAMESPACE/NAME` writes this setting",
	repository.ReasonNoSettings:      "set it as a whole, or use `appbur config edit`",
	repository.ReasonBadID: "an id is the 16 hexadecimal digits that `appbur init` chose; it never changes, so look who changed it " +
		"(`git log main -- " + appbur.RepositoryFile + "`)",
	repository.ReasonPolicy: "look at it with `appbur config adopt --dry-run`; if it is right, adopt it with `appbur config adopt`, " +
		"otherwise revert the commit",

	repository.ReasonUnbound: "say it once with `appbur trust set --repo {DIR} --keys DIR`, " +
		"or name the keys in each command with --keys DIR or $APPBUR_KEYS",
	repository.ReasonBadBinding: "make it anew with `appbur trust set`",
	repository.ReasonRebound: "find out who changed it (`git -C {DIR} log -p main -- " + appbur.RepositoryFile + "`); " +
		"if you put another repository here, say so with `appbur trust set`",
	repository.ReasonOtherKeys: "pass --keys with the directory of this repository's keys; if it is the right one, " + appbur.RepositoryFile +
		" was changed (docs/trust.md)",

	repository.ReasonUnknownPoint: "`appbur points list --repo {DIR}` shows what there is",
	repository.ReasonNoPoint:      "make one with `appbur backup --repo {DIR}`",
	repository.ReasonNoGoodPoint:  "`appbur points list --repo {DIR}` says why",
	repository.ReasonUnreadablePoint: "`appbur repo check --repo {DIR}` tells damage from a tag of somebody else; " +
		"`appbur points delete {POINT}` takes it away",
	repository.ReasonUntrustedPoint: "pass --trust FILE with the allowed_signers of the machine that takes the backups",
	repository.ReasonLastGood:       "make a new point first, or pass --last-good to delete it nevertheless",
	repository.ReasonNobodyTrusted: "pass --trust FILE with the allowed_signers of the machine that takes the backups, " +
		"or --keys with its key directory",
	repository.ReasonTakenAway: "look for it in other copies and remotes (`git tag -l 'restore-points/*'`, docs/trust.md); " +
		"name the point to use an older one, or pass --accept-history if it was deleted on purpose",

	repository.ReasonRewritten: "compare with another copy (`git log main`, docs/trust.md); if this history is right, " +
		"for example because you went back on purpose, pass --accept-history",
	repository.ReasonEmptied: "push to a remote from a copy that has the history; if it shall begin anew, pass --begin-history",
	repository.ReasonUntrustedCommit: "look at it with `git show`; if it is right, " +
		"add the key of whoever made it to the allowed_signers file, or pass --accept-history",
	repository.ReasonNotJoined: "look at what it holds (`git fetch`, `git log --show-signature`); if that is right, have it signed by somebody " +
		"trusted, or give this repository an empty remote (docs/remotes.md)",
	repository.ReasonOtherRemote: "correct the URL of the remote, or name the directory of that repository; of a remote that is shared, each " +
		"has a part of its own (https://git.example/fleet.git#clusters/eu-1)",
	repository.ReasonUntrustedAnchor: "pass --trust FILE with the allowed_signers of the machine that wrote the anchor",
	repository.ReasonNoAnchor:        "`appbur repo anchor --out FILE` writes one",

	repository.ReasonOtherCluster: "use another repository, or pass --adopt-cluster if this cluster is the rebuilt successor",
	repository.ReasonCollapse: "check that this is the right cluster and that it is whole; " +
		"pass --allow-collapse if the objects were deleted on purpose",
	repository.ReasonSealedDataset: "pass --identity FILE",
	repository.ReasonSealedFile:    "pass --identity FILE with an age identity that decrypts it",
}

// repositoryHint is the next step after an error of a repository, "" where there is none, or
// where somebody who knew more has said another one.
func repositoryHint(err error) string {
	var reason *repository.Error
	if !errors.As(err, &reason) {
		return ""
	}
	var said *appbur.HintError
	if errors.As(err, &said) && errors.Is(said.Err, reason) {
		return ""
	}
	return strings.NewReplacer("{DIR}", reason.Dir, "{POINT}", reason.Point).Replace(repositoryHints[reason.Reason])
}
