package cli

import (
	"errors"
	"fmt"

	"github.com/appbur/appbur/pkg/gitsync"
)

// gitHintRules are the next steps after errors of Git and of remotes.
var gitHintRules = []hintRule{
	{isAny(gitsync.ErrNoRemote), "`appbur remotes list` shows those that do"},
	{isAny(gitsync.ErrPlaintext), "use https:// or ssh, or accept it with `appbur remotes add --allow-plaintext`"},
	{
		isRemoteState(gitsync.RemoteDiverged),
		"somebody else pushed to the remote, or rewrote it; look at what it holds, then clone it anew (`appbur clone`) " +
			"or give this repository an empty remote; appbur never forces a push",
	},
	{isRemoteState(gitsync.RemoteAhead), "this repository is an old copy; clone the remote anew with `appbur clone`"},
}

func isRemoteState(state gitsync.RemoteState) func(error) bool {
	return func(err error) bool { return err != nil && gitsync.StateOf(err) == state }
}

// gitHint is the next step after an error of Git that names a fact of it, "" where there
// is none.
func gitHint(err error) string {
	var (
		none *gitsync.NotRepositoryError
		full *gitsync.NoSpaceError
	)
	switch {
	case errors.As(err, &none) && !none.Worktree:
		return "create one with: appbur init " + none.Dir
	case !errors.As(err, &full):
		return ""
	case full.Need > 0:
		return fmt.Sprintf("make %d bytes of room on the file system of %s, delete more points, and run again; nothing is damaged", full.Need, full.Dir)
	case full.Deleting:
		return "what is reserved for deletions is used up or was never there: `appbur repo maintain --prune-expire 0s` frees what needs no room; " +
			"otherwise make a megabyte of room on the file system of " + full.Dir + "; nothing is damaged"
	default:
		return fmt.Sprintf("free space below %s: `appbur points delete` or `points prune`, then `appbur repo maintain --prune-expire 0s`, need none; "+
			"or make room and run again; nothing is damaged", full.Dir)
	}
}
