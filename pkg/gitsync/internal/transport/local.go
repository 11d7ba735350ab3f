package transport

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/appbur/appbur"
)

// goodbye is how long a program may take to end after its streams are closed.
const goodbye = 5 * time.Second

// runGit opens a session with a repository in a directory of this machine. Stock git serves
// it, as it would behind SSH: it compares the old values of refs, runs the hooks
// and obeys the settings that are in force there.
func runGit(ctx context.Context, dir, service string, o Options, dog *watchdog) (conn, error) {
	if _, err := os.Stat(dir); err != nil {
		state := Unreachable
		if errors.Is(err, fs.ErrNotExist) {
			state = NotFound
		}
		return nil, NewError(state, "", appbur.WithHint(err, "mount the disk, or make the repository with `git init --bare "+dir+"`"))
	}

	git := o.Git
	if git == "" {
		git = "git"
	}

	// Killing the program is all that a context can do here: a disk that hangs.
	cmd := exec.CommandContext(ctx, git, strings.TrimPrefix(service, "git-"), dir)
	cmd.WaitDelay = goodbye
	said := &tail{}
	cmd.Stderr = said
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("run git: %w", err)
	}

	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("run git: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, misconfigured(fmt.Errorf("a remote that is a directory is served by git: %w", err),
			"install git, or reach the repository over https or ssh")
	}
	return &pipe{
		in: writeCloser{dog.writer(in), in}, out: dog.reader(out), errors: said,
		finish: func() { _ = cmd.Wait() },
	}, nil
}
