package history

import (
	"errors"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/seal"
)

// History is the history of main of one repository. It is safe for concurrent use.
type History struct {
	repo *repository.Repository
	git  *gitsync.Repository
	tip  gitsync.Hash
	// points are the restore points by the commit of main that they are of.
	points map[gitsync.Hash][]appbur.RestorePointID
	notes  repository.Notes
}

// Open looks at the history of a repository as it is now.
func Open(repo *repository.Repository) (*History, error) {
	h := &History{repo: repo, git: repo.Git(), points: map[gitsync.Hash][]appbur.RestorePointID{}}
	var err error
	if h.tip, err = h.git.Tip(gitsync.MainRef); err != nil {
		return nil, err
	}
	if h.notes, err = repo.Notes(); err != nil {
		return nil, err
	}
	refs, err := repo.Points()
	if err != nil {
		return nil, err
	}

	for _, ref := range refs {
		if _, err := repo.Describe(ref); errors.Is(err, repository.ErrUnreadable) {
			continue // no restore point of any commit
		}
		c, err := h.git.ReadCommit(ref.Commit)
		if err != nil {
			return nil, err
		}
		// A restore point is a child of the commit that it is of.
		if len(c.Parents) > 0 {
			h.points[c.Parents[0]] = append(h.points[c.Parents[0]], ref.ID)
		}
	}

	return h, nil
}

// Tip returns the newest commit of main.
func (h *History) Tip() gitsync.Hash { return h.tip }

// Notes returns what was learned of a commit after it was made.
func (h *History) Notes(commit gitsync.Hash) ([]repository.Note, error) { return h.notes.Of(commit) }

// NotesSignature checks the signature of what was learned later: one is of all notes.
func (h *History) NotesSignature(trusted seal.AllowedSigners) Signature {
	return CheckSignature(h.notes.Commit(), trusted)
}
