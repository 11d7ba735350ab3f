package repository

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/seal"
)

// FindingClass says what a finding means: three things that call for different people.
type FindingClass string

// The classes, the gravest first.
const (
	// Damaged bytes, forms or history are not what they must be.
	Damaged FindingClass = "damaged"
	// Untrusted is what is signed, but not by a trusted signer, or in a way that does not
	// fit.
	Untrusted FindingClass = "untrusted"
	// Unsigned is what has no signature.
	Unsigned FindingClass = "unsigned"
)

// classOf is the class of a refusal to trust.
func classOf(err error) FindingClass {
	if errors.Is(err, ErrUnsigned) {
		return Unsigned
	}
	return Untrusted
}

// Finding is one thing that is wrong with a repository (docs/json.md).
type Finding struct {
	Class FindingClass `json:"class"`
	// Kind is that of a [gitsync.Problem], or one of those below.
	Kind string `json:"kind"`
	// Object is the Git object, Where a file of the repository, a ref or a path in a
	// restore point.
	Object gitsync.Hash `json:"object,omitzero"`
	Where  string       `json:"where,omitempty"`
	What   string       `json:"what"`
	// Affects names what cannot be read or believed because of it.
	Affects     []Hit  `json:"affects,omitempty"`
	AffectsMore int    `json:"affectsMore,omitempty"`
	Hint        string `json:"hint"`
}

// Hit is a place that a finding affects: a restore point, or a branch and the newest
// commit of it, and the path of a file or directory there.
type Hit struct {
	Point  appbur.RestorePointID `json:"restorePoint,omitempty"`
	Ref    string                `json:"ref,omitempty"`
	Commit gitsync.Hash          `json:"commit,omitzero"`
	Path   string                `json:"path,omitempty"`
}

// Kinds of findings that Git knows nothing of.
const (
	findConfig    = "config"
	findPoint     = "point"
	findManifest  = "manifest"
	findPayload   = "payload"
	findSignature = "signature"
	findHistory   = "history"
	findAnchor    = "anchor"
)

// findingHints say for each kind what to do next.
var findingHints = map[string]string{
	string(gitsync.ProblemFormat):    "compare the directory with another copy; appbur never changes these files",
	string(gitsync.ProblemPack):      "take the file from another copy of the repository, or fetch from a remote into a fresh clone (docs/trust.md)",
	string(gitsync.ProblemPackIndex): "make the index anew from its pack: `git index-pack PACK`",
	string(gitsync.ProblemObject):    "fetch from a remote into a fresh clone; what affects only old points can be left behind with them",
	string(gitsync.ProblemMissing):   "fetch from a remote into a fresh clone; what affects only old points can be left behind with them",
	string(gitsync.ProblemForm):      "somebody wrote this with another tool: look with `git cat-file -p`, and find out who",
	string(gitsync.ProblemLimit):     "appbur writes nothing that large: find out who did, and delete what needs it; docs/points.md names the settings",
	string(gitsync.ProblemRef):       "find the right commit in another copy or an anchor, and set the ref with `git update-ref`",
	findConfig:                       "correct appbur.yaml in a clone and push it",
	findPoint:                        "do not restore this point; use another one",
	findManifest:                     "do not restore this point as it is; the same object may be whole in another one",
	findPayload:                      "do not import this dataset; use another point",
	findSignature:                    "look at it with `git show`; if it is right, add the key of whoever made it to the allowed_signers file (docs/trust.md)",
	findHistory:                      "compare with another copy (`git log main`, docs/trust.md)",
	findAnchor:                       "compare with another copy (`git log main`, docs/trust.md)",
}

// CheckOptions say how thoroughly to look, and what to compare with.
type CheckOptions struct {
	// Quick looks only at whether all that refs lead to is there.
	Quick bool
	// KeysDir holds what was seen of the repository, "" to compare with nothing.
	KeysDir string
	// Signers is an allowed_signers file, nil to check no signatures.
	Signers []byte
	// Opener decrypts Secrets and sensitive payloads; nil looks at their form only.
	Opener *seal.Opener
	// Anchor is a record from another place, nil for none.
	Anchor *SignedAnchor
	// Hint says what to do about an error; nil is [appbur.HintOf].
	Hint func(error) string
	// Progress is called with what is looked at and how much of it is done; it may be nil, and
	// may be called from several goroutines.
	Progress func(what string, done, total int)
}

// CheckReport is what a check found (docs/json.md).
type CheckReport struct {
	Repository string `json:"repository"`
	Quick      bool   `json:"quick"`
	Packs      int    `json:"packs"`
	Objects    int    `json:"objects"`
	Refs       int    `json:"refs"`
	// Commits counts those of main, Signed those whose signature is good.
	Commits  int       `json:"commits"`
	Signed   int       `json:"signedCommits"`
	Points   int       `json:"restorePoints"`
	Datasets int       `json:"datasets"`
	Notes    []string  `json:"notes"`
	Findings []Finding `json:"findings"`
	// More counts findings beyond those listed.
	More int `json:"more"`
	// Counts are all findings by class, also those that are not listed.
	Counts FindingCounts `json:"counts"`
}

// FindingCounts counts findings.
type FindingCounts struct {
	Damaged   int `json:"damaged"`
	Untrusted int `json:"untrusted"`
	Unsigned  int `json:"unsigned"`
}

func (n *FindingCounts) add(class FindingClass) {
	switch class {
	case Untrusted:
		n.Untrusted++
	case Unsigned:
		n.Unsigned++
	default:
		n.Damaged++
	}
}

// Worst is the gravest class of what was found, "" when nothing is wrong.
func (r *CheckReport) Worst() FindingClass {
	switch {
	case r.Counts.Damaged > 0:
		return Damaged
	case r.Counts.Untrusted > 0:
		return Untrusted
	case r.Counts.Unsigned > 0:
		return Unsigned
	default:
		return ""
	}
}

// OK reports whether nothing is wrong.
func (r *CheckReport) OK() bool { return r.Worst() == "" }

// Check looks at everything in a repository: the bytes of every object, the form of
// trees and commits, signatures, restore points, manifests and payloads. It works on
// repositories that [Open] refuses. An error means that it could not look; what is
// wrong is in the report.
func Check(ctx context.Context, dir string, o CheckOptions) (CheckReport, error) {
	if o.Progress == nil {
		o.Progress = func(string, int, int) {}
	}
	if o.Hint == nil {
		o.Hint = appbur.HintOf
	}
	c := &check{
		options: o, report: CheckReport{Repository: dir, Quick: o.Quick, Notes: []string{}, Findings: []Finding{}},
		files: map[fileAt]string{}, distrusted: map[appbur.RestorePointID]FindingClass{},
	}
	git, err := gitsync.Check(ctx, dir,
		gitsync.CheckOptions{Quick: o.Quick, Progress: func(done, total int) { o.Progress("objects", done, total) }})
	if err != nil {
		return CheckReport{}, err
	}

	c.report.Packs, c.report.Objects, c.report.Refs, c.report.More = git.Packs, git.Objects, git.Refs, git.More
	c.report.Counts.Damaged = git.More
	for _, p := range git.Problems {
		c.addProblem(p)
	}
	if o.Quick {
		return c.report, nil
	}

	repo, err := Open(dir)
	if err != nil {
		c.find(Finding{
			Kind: findConfig, Where: gitsync.MainRef, What: "the repository cannot be opened: " + err.Error(),
			Hint: c.options.Hint(err),
		})
		return c.report, nil
	}

	c.repo = repo
	if err := c.checkTrust(ctx); err != nil {
		return CheckReport{}, err
	}
	if err := c.checkPoints(ctx); err != nil {
		return CheckReport{}, err
	}
	slices.SortStableFunc(c.report.Findings, func(a, b Finding) int {
		return cmp.Or(strings.Compare(string(a.Class), string(b.Class)), strings.Compare(a.Kind, b.Kind))
	})
	return c.report, nil
}

// check gathers findings.
type check struct {
	repo    *Repository
	options CheckOptions
	report  CheckReport
	// files are manifests that were looked at, with what is wrong with them: most are
	// in most points.
	files map[fileAt]string
	// distrusted are the points without a trusted signature, and how.
	distrusted map[appbur.RestorePointID]FindingClass
}

type fileAt struct {
	path string
	blob gitsync.Hash
}

// maxFindings bounds a report.
const maxFindings = 1000

func (c *check) find(f Finding) {
	if f.Class == "" {
		f.Class = Damaged
	}
	c.report.Counts.add(f.Class)
	if len(c.report.Findings) >= maxFindings {
		c.report.More++
		return
	}
	if f.Hint == "" {
		f.Hint = findingHints[f.Kind]
	}
	c.report.Findings = append(c.report.Findings, f)
}

func (c *check) note(format string, args ...any) {
	c.report.Notes = append(c.report.Notes, fmt.Sprintf(format, args...))
}

func (c *check) addProblem(p gitsync.Problem) {
	f := Finding{Kind: string(p.Kind), Object: p.Object, Where: p.Where, What: p.What, AffectsMore: p.AffectsMore}
	for _, a := range p.Affects {
		h := Hit{Commit: a.Commit, Path: a.Path}
		if id, err := appbur.ParseRestorePointID(strings.TrimPrefix(a.Ref, "refs/tags/")); err == nil && strings.HasPrefix(a.Ref, "refs/tags/") {
			h.Point = id
		} else {
			h.Ref = a.Ref
		}
		f.Affects = append(f.Affects, h)
	}
	c.find(f)
}

// unreadable reports whether an error means damage that the look at the objects has
// reported already.
func unreadable(err error) bool {
	return errors.Is(err, gitsync.ErrObjectNotFound) || errors.Is(err, gitsync.ErrCorrupt) ||
		errors.Is(err, gitsync.ErrTooLarge)
}
