package repository

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/seal"
)

// ErrConfigOwned means that a change touches what appbur alone writes.
var ErrConfigOwned = errors.New("this part of " + appbur.RepositoryFile + " is appbur's own")

// ErrConfigMoved means that main has another appbur.yaml than the one that was read.
var ErrConfigMoved = fmt.Errorf("%s was changed meanwhile: %w", appbur.RepositoryFile, gitsync.ErrRefMoved)

// SetConfig writes another appbur.yaml as one signed commit. The text must be valid in
// all its parts, and what appbur itself writes must stay. What it gives up
// ([PolicyLosses]) counts as agreed to. The error is [gitsync.ErrUnchanged] if it is the
// text that is there. Manifests may have been committed since the text was read;
// another appbur.yaml is [ErrConfigMoved].
func (r *Repository) SetConfig(ctx context.Context, keys *keyring.Keys, text []byte, at time.Time) (gitsync.Hash, error) {
	turn, err := r.git.TakeTurn(ctx)
	if err != nil {
		return gitsync.Hash{}, err
	}
	defer turn.Release()
	tip, _, err := r.guardHistory(keys, false)
	if err != nil {
		return gitsync.Hash{}, err
	}
	if err := r.refresh(tip); err != nil {
		return gitsync.Hash{}, err
	}

	config, err := r.checkConfig(text)
	if err != nil {
		return gitsync.Hash{}, err
	}
	// On top of a change without a trusted signature, this one would sign that as well.
	trusted, err := keys.Trusted()
	if err != nil {
		return gitsync.Hash{}, err
	}
	if err := r.CheckPolicy(trusted); err != nil {
		return gitsync.Hash{}, err
	}
	return r.signConfig(ctx, turn, keys, config, gitsync.CommitInfo{Time: at, Subject: "Change " + appbur.RepositoryFile})
}

// checkConfig reads a new text completely, and compares it with the one that is there.
func (r *Repository) checkConfig(text []byte) (Config, error) {
	config, err := ParseConfig(text)
	if err != nil {
		return Config{}, err
	}

	for _, own := range []struct {
		name string
		same bool
	}{
		{"repository", config.Repository == r.config.Repository},
		{"cluster", config.Cluster == r.config.Cluster},
		{"rulesVersion", config.Rules == r.config.Rules},
	} {
		if !own.same {
			return Config{}, appbur.WithHint(fmt.Errorf("%w: %s", ErrConfigOwned, own.name),
				"leave it as it is; recipients, rules, guards, retention and applications may be changed")
		}
	}

	policy, err := manifest.ParsePolicy(&config.Policy)
	if err != nil {
		return Config{}, err
	}
	if _, err := manifest.Default().With(policy); err != nil {
		return Config{}, err
	}
	if _, err := seal.NewSealer(config.Recipients, make([]byte, seal.FingerprintKeySize), nil, nil); err != nil {
		return Config{}, fmt.Errorf("%s: %w", appbur.RepositoryFile, err)
	}
	return config, nil
}

// AdoptConfig signs the appbur.yaml that is there, because the caller has looked at it:
// who changed it was not trusted, or it gives something up. The files stay as they are.
//
// A history that is not the one seen before is refused unless that is accepted as well.
func (r *Repository) AdoptConfig(ctx context.Context, keys *keyring.Keys, accept bool, at time.Time) (gitsync.Hash, error) {
	if _, err := r.checkConfig(r.config.text); err != nil {
		return gitsync.Hash{}, err
	}
	accepted := ""
	h, err := r.History(keys.Dir)
	switch {
	case errors.Is(err, ErrRewritten) && accept:
		accepted = fmt.Sprintf("accepted the history at %s, which does not lead back to %s", h.Tip, h.Seen.Commit)
	case err != nil:
		return gitsync.Hash{}, err
	}
	return r.signConfig(ctx, r.git, keys, r.config, gitsync.CommitInfo{
		Time: at, Subject: "Adopt " + appbur.RepositoryFile, AllowEmpty: true,
		Trailers: overrideTrailers(accepted, fmt.Sprintf("adopted %s at %s", appbur.RepositoryFile, r.tip)),
	})
}

// signConfig commits a configuration on the commit that the open one was read from.
func (r *Repository) signConfig(ctx context.Context, git committer, keys *keyring.Keys, config Config,
	info gitsync.CommitInfo,
) (gitsync.Hash, error) {
	edit, err := r.git.Edit(r.tip)
	if err != nil {
		return gitsync.Hash{}, err
	}
	if _, err := edit.Put(appbur.RepositoryFile, config.text); err != nil {
		return gitsync.Hash{}, err
	}
	info.Author, info.Committer, info.Signer = identity, identity, keys.Signer()
	commit, err := git.Commit(ctx, gitsync.MainRef, edit, info)
	if err != nil {
		return gitsync.Hash{}, err
	}
	r.config, r.tip = config, commit
	return commit, r.Remember(keys.Dir, commit, info.Time)
}
