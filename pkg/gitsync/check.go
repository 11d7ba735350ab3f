package gitsync

import (
	"context"

	"github.com/appbur/appbur/pkg/gitsync/internal/fsck"
)

// What a check of a repository finds.
type (
	// CheckOptions say how thoroughly to look.
	CheckOptions = fsck.Options
	// CheckReport says what was looked at and what is wrong with it.
	CheckReport = fsck.Report
	// Problem is one thing that is wrong, and what in the history it damages.
	Problem = fsck.Problem
	// ProblemKind says what sort of thing is wrong.
	ProblemKind = fsck.Kind
	// Affected is a place in the history that needs a damaged object.
	Affected = fsck.Affected
)

// The kinds of problems that [Check] finds.
const (
	ProblemFormat    = fsck.Format
	ProblemPack      = fsck.Pack
	ProblemPackIndex = fsck.PackIndex
	ProblemObject    = fsck.Object
	ProblemMissing   = fsck.Missing
	ProblemForm      = fsck.Form
	ProblemLimit     = fsck.Limit
	ProblemRef       = fsck.Ref
)

// Check looks at every byte of a repository. It reads packs and indexes by itself, not
// through what [Open] reads with, and works on repositories that Open refuses. Writers may
// go on meanwhile. What is wrong is in the report; an error means that the check itself
// could not be done.
func Check(ctx context.Context, dir string, o CheckOptions) (CheckReport, error) {
	return fsck.Run(ctx, dir, o)
}
