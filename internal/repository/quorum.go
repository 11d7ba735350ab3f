package repository

import (
	"context"
	"fmt"
	"strconv"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// quorumSetting is the setting of the repository's Git configuration that says how many
// remotes must hold a restore point.
const quorumSetting = "requiredRemotes"

// AllRemotes makes [Repository.RequireRemotes] require all remotes there are.
const AllRemotes = -1

// RequiredRemotes returns how many remotes must hold a restore point, for it to count as
// replicated: the setting appbur.requiredRemotes, or else all of them.
func (r *Repository) RequiredRemotes() (int, error) {
	text, err := r.git.Setting(quorumSetting)
	if err != nil {
		return 0, err
	}
	if text == "" {
		remotes, err := r.git.Remotes()
		return len(remotes), err
	}

	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, appbur.WithHint(fmt.Errorf("appbur.%s in the Git configuration of %s is %q, want a number", quorumSetting, r.dir, text),
			fmt.Sprintf("git -C %s config appbur.%s 1", r.dir, quorumSetting))
	}
	return n, nil
}

// RequireRemotes sets how many remotes must hold a restore point for it to count as
// replicated. [AllRemotes] takes the setting out.
func (r *Repository) RequireRemotes(ctx context.Context, n int) error {
	if n < AllRemotes {
		return fmt.Errorf("%w: %d cannot be required", gitsync.ErrRemoteName, n)
	}

	value := ""
	if n != AllRemotes {
		value = strconv.Itoa(n)
	}
	return r.git.SetSetting(ctx, quorumSetting, value)
}
