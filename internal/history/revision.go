package history

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/gitsync"
)

// Revision is a state of main.
type Revision struct {
	// Commit is empty for a time before the first commit, when there was nothing.
	Commit gitsync.Hash `json:"commit,omitzero"`
	Time   time.Time    `json:"time,omitzero"`
	// Name is how it was requested.
	Name string `json:"name"`
}

// tips are the words for the newest commit.
var tips = map[string]bool{"": true, "main": true, "HEAD": true, "now": true}

// commitHash is what can only be the hash of a commit: shorter ones might be spans of
// time, such as 12d.
var commitHash = regexp.MustCompile(`^[0-9a-f]{7,40}$`)

// Revision finds the state that a name means: main, a commit or the beginning of
// its hash, a restore point or the word latest, a moment ([ParseMoment]), which means the
// last commit until then; each with ~N behind it for the N-th commit before.
func (h *History) Revision(name string, now time.Time) (Revision, error) {
	base, steps := name, 0
	if before, count, ok := strings.Cut(name, "~"); ok {
		base, steps = before, 1
		if count != "" {
			n, err := strconv.ParseUint(count, 10, 31)
			if err != nil {
				return Revision{}, fmt.Errorf("revision %q: %w: want a number after ~", name, ErrNotUnderstood)
			}
			steps = int(n)
		}
	}

	commit, err := h.find(base, now)
	if err != nil {
		return Revision{}, err
	}
	r := Revision{Name: name}
	if commit.IsZero() {
		return r, nil
	}

	c, err := h.git.ReadCommit(commit)
	for ; err == nil && steps > 0; steps-- {
		if len(c.Parents) == 0 {
			return Revision{}, &NotFoundError{Sought: SoughtParent, text: "revision " + name}
		}
		c, err = h.git.ReadCommit(c.Parents[0])
	}

	r.Commit, r.Time = c.Hash, c.Time
	return r, err
}

func (h *History) find(name string, now time.Time) (gitsync.Hash, error) {
	if tips[name] {
		return h.tip, nil
	}

	if _, err := appbur.ParseRestorePointID(name); err == nil || name == repository.Latest {
		ref, err := h.repo.Resolve(name)
		if err != nil {
			return gitsync.Hash{}, err
		}
		return h.manifestsOf(ref)
	}

	if commitHash.MatchString(name) {
		commit, err := h.git.FindCommit(name)
		if errors.Is(err, gitsync.ErrObjectNotFound) {
			err = &NotFoundError{Sought: SoughtCommit, text: "commit " + name}
		}
		return commit, err
	}

	at, err := ParseMoment(name, now)
	if err != nil {
		return gitsync.Hash{}, appbur.WithHint(fmt.Errorf("revision %q: %w", name, ErrNotUnderstood),
			"name main, a commit (at least 7 digits), a restore point, or a time such as 2026-11-20 or 2d")
	}

	for c, err := range h.git.Log(h.tip, 0) {
		if err != nil {
			return gitsync.Hash{}, err
		}
		if !c.Time.After(at) {
			return c.Hash, nil
		}
	}

	return gitsync.Hash{}, nil
}

// manifestsOf returns the commit of main that a restore point is of.
func (h *History) manifestsOf(ref repository.PointRef) (gitsync.Hash, error) {
	c, err := h.git.ReadCommit(ref.Commit)
	if err != nil {
		return gitsync.Hash{}, err
	}
	if len(c.Parents) == 0 {
		return gitsync.Hash{}, fmt.Errorf("restore point %s: its commit has no parent", ref.ID)
	}
	return c.Parents[0], nil
}
