package repository

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/seal"
)

// checkTrust compares main with what was seen and with the anchor, and checks the
// signature of each of its commits.
func (c *check) checkTrust(ctx context.Context) error {
	if c.options.KeysDir != "" {
		h, err := c.repo.History(c.options.KeysDir)
		switch {
		case errors.Is(err, ErrRewritten), errors.Is(err, ErrOtherRepository):
			c.find(Finding{Kind: findHistory, Where: gitsync.MainRef, What: err.Error(), Hint: c.options.Hint(err)})
		case err != nil && !unreadable(err):
			return err
		case err == nil && h.First():
			c.note("nothing is remembered of this repository in %s, so a rewritten history cannot be told", c.options.KeysDir)
		}
	}

	var signers seal.AllowedSigners
	if c.options.Signers != nil {
		var err error
		if signers, err = seal.ParseAllowedSigners(c.options.Signers); err != nil {
			return &keyring.Error{Err: err}
		}
	}

	if err := c.checkAnchor(); err != nil {
		return err
	}
	if err := c.checkLatest(); err != nil {
		return err
	}
	return c.checkCommits(ctx, signers)
}

// checkLatest tells of points that were here and were taken away.
func (c *check) checkLatest() error {
	latest, _, err := c.repo.ResolveLatest(Latest, c.options.Signers)
	if err != nil && !errors.Is(err, ErrNoPoint) && !errors.Is(err, ErrUntrusted) && !errors.Is(err, ErrRewritten) && !unreadable(err) {
		return err
	}
	err = c.repo.CheckLatest(latest, c.options.KeysDir, c.options.Anchor)
	if errors.Is(err, ErrRewritten) {
		c.find(Finding{Kind: findHistory, Where: appbur.RestorePointTagPrefix, What: err.Error(), Hint: c.options.Hint(err)})
		return nil
	}
	return err
}

func (c *check) checkAnchor() error {
	a := c.options.Anchor
	if a == nil {
		return nil
	}
	if c.options.Signers != nil {
		if _, err := a.Verify(c.options.Signers); err != nil {
			c.find(Finding{Class: classOf(err), Kind: findAnchor, What: err.Error(), Hint: c.options.Hint(err)})
		}
	}

	gone, err := c.repo.Contains(a.Anchor)
	switch {
	case errors.Is(err, ErrRewritten), errors.Is(err, ErrAnchor):
		c.find(Finding{Kind: findAnchor, Where: gitsync.MainRef, Object: a.Main, What: err.Error(), Hint: c.options.Hint(err)})
	case err != nil && !unreadable(err):
		return err
	}

	for _, id := range gone {
		c.note("restore point %s, which the anchor of %s names, is not there any more; retention may have removed it", id,
			a.Time.Format(anchorTime))
	}
	return nil
}

// checkCommits looks at the signature of every commit of main. Without signers it
// counts them.
func (c *check) checkCommits(ctx context.Context, signers seal.AllowedSigners) error {
	tip, err := c.repo.git.Tip(gitsync.MainRef)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))

	for commit, err := range c.repo.git.Log(tip, 0) {
		if unreadable(err) {
			break
		}
		if err := errors.Join(err, ctx.Err()); err != nil {
			return errors.Join(err, group.Wait())
		}
		c.report.Commits++
		c.options.Progress("commits", c.report.Commits, 0)
		if signers == nil {
			continue
		}
		group.Go(func() error {
			err := verifyCommit(commit, signers)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				c.find(Finding{Class: classOf(err), Kind: findSignature, Object: commit.Hash, Where: gitsync.MainRef, What: err.Error()})
				return nil
			}
			c.report.Signed++
			return nil
		})
	}

	return group.Wait()
}
