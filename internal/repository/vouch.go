package repository

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/seal"
)

// ErrPolicy means that appbur.yaml says something that is not obeyed, because no signer
// who is trusted has signed it, or no user has agreed to it.
var ErrPolicy = errors.New(appbur.RepositoryFile + " is not obeyed")

// CheckPolicy demands that what [Repository.Config] says was written by somebody trusted:
// whoever can push could otherwise choose what is saved, what is encrypted, for whom, and
// what is deleted. The error wraps [ErrPolicy].
func (r *Repository) CheckPolicy(allowedSigners []byte) error {
	signers, err := seal.ParseAllowedSigners(allowedSigners)
	if err != nil {
		return &keyring.Error{Err: fmt.Errorf("trusted signers: %w", err)}
	}
	return r.demandVoucher(r.tip, signers)
}

// demandVoucher looks for the newest commit that a trusted key has signed. A signature
// covers the complete tree, so it vouches for appbur.yaml in it. Commits without a trusted signature
// above it may have changed anything else, which a backup compares with the cluster; if
// one of them has changed appbur.yaml, the error wraps [ErrPolicy].
//
// Each such commit must leave the file as all of its parents have it. One parent would
// not do: a merge with an old commit brings back a policy that was signed once.
func (r *Repository) demandVoucher(tip gitsync.Hash, signers seal.AllowedSigners) error {
	text, err := r.configText(tip)
	if err != nil {
		return err
	}
	for at := tip; ; {
		commit, err := r.git.ReadCommit(at)
		if err != nil {
			return err
		}
		refusal := verifyCommit(commit, signers)
		if refusal == nil {
			return nil
		}

		changed := len(commit.Parents) == 0
		for _, parent := range commit.Parents {
			before, err := r.configText(parent)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			changed = changed || err != nil || !bytes.Equal(before, text)
		}
		if changed {
			return because(ReasonPolicy, fmt.Errorf("%w: it was changed by nobody trusted: %w", ErrPolicy, refusal))
		}
		at = commit.Parents[0]
	}
}

// Agreed returns the configuration that was agreed to last, the zero value if none was,
// and why the one that is there is not obeyed, nil if it is.
func (r *Repository) Agreed(keys *keyring.Keys) (agreed Config, problem, err error) {
	trusted, err := keys.Trusted()
	if err != nil {
		return Config{}, nil, err
	}
	signers, err := seal.ParseAllowedSigners(trusted)
	if err != nil {
		return Config{}, nil, &keyring.Error{Err: fmt.Errorf("trusted signers: %w", err)}
	}
	if agreed, _, err = r.agreedConfig(r.tip, signers); err != nil {
		return Config{}, nil, err
	}
	if problem = r.guardPolicy(keys, r.tip); problem != nil && !errors.Is(problem, ErrPolicy) {
		return Config{}, nil, problem
	}
	return agreed, problem, nil
}

// agreedConfig returns the configuration that appbur itself has signed last. Appbur
// signs none that no user has agreed to, so what it says is agreed.
func (r *Repository) agreedConfig(tip gitsync.Hash, signers seal.AllowedSigners) (Config, bool, error) {
	return r.configSigned(tip, func(c gitsync.Commit) bool {
		if len(c.Signature) == 0 {
			return false
		}
		who, err := signers.Verify(c.Payload, c.Signature, c.Time)
		return err == nil && who == keyring.Principal
	})
}

func (r *Repository) configSigned(tip gitsync.Hash, by func(gitsync.Commit) bool) (Config, bool, error) {
	for at := tip; ; {
		commit, err := r.git.ReadCommit(at)
		if err != nil {
			return Config{}, false, err
		}
		if by(commit) {
			config, err := r.configAt(at)
			return config, err == nil, err
		}
		if len(commit.Parents) == 0 {
			return Config{}, false, nil
		}
		at = commit.Parents[0]
	}
}

// guardPolicy runs before anything of a configuration is obeyed by who writes: it
// is signed by somebody trusted, and what in it seals less or saves less than before
// was agreed to.
func (r *Repository) guardPolicy(keys *keyring.Keys, tip gitsync.Hash) error {
	trusted, err := keys.Trusted()
	if err != nil {
		return err
	}
	signers, err := seal.ParseAllowedSigners(trusted)
	if err != nil {
		return &keyring.Error{Err: fmt.Errorf("trusted signers: %w", err)}
	}
	if err := r.demandVoucher(tip, signers); err != nil {
		return err
	}

	now, err := r.configAt(tip)
	if err != nil {
		return err
	}
	agreed, _, err := r.agreedConfig(tip, signers)
	if err != nil {
		return err
	}
	if losses := PolicyLosses(agreed, now); len(losses) > 0 {
		return because(ReasonPolicy, fmt.Errorf("%w: nobody has agreed yet to what it gives up: %s", ErrPolicy, joinLosses(losses)))
	}
	return nil
}

// refresh takes up the configuration of a later commit, which says the same as the one
// that is open, but for what appbur itself notes there.
func (r *Repository) refresh(tip gitsync.Hash) error {
	if tip == r.tip {
		return nil
	}
	config, err := r.configAt(tip)
	if err != nil {
		return err
	}
	if err := r.config.demandSame(config); err != nil {
		return err
	}
	r.config, r.tip = config, tip
	return nil
}

// demandSame refuses a configuration that says something else, but for what appbur itself
// notes in it, and for applications, which decide nothing about manifests.
func (c Config) demandSame(later Config) error {
	c.Cluster, c.Rules = later.Cluster, later.Rules
	before, err := c.encodeManifestPart()
	if err != nil {
		return err
	}
	after, err := later.encodeManifestPart()
	if err != nil {
		return err
	}
	if !bytes.Equal(before, after) {
		return appbur.WithHint(ErrConfigMoved, "start again, so that what it says now is done")
	}
	return nil
}

// encodeManifestPart is encode without applications.
func (c Config) encodeManifestPart() ([]byte, error) {
	text, err := c.encode()
	if err != nil {
		return nil, err
	}
	c.text = text
	return c.With("applications", "null")
}

// configText reads appbur.yaml of one commit.
func (r *Repository) configText(commit gitsync.Hash) ([]byte, error) {
	snapshot, err := r.git.Snapshot(commit)
	if err != nil {
		return nil, err
	}
	return snapshot.ReadDescription(appbur.RepositoryFile)
}

// configAt reads the configuration of one commit.
func (r *Repository) configAt(commit gitsync.Hash) (Config, error) {
	data, err := r.configText(commit)
	if err != nil {
		return Config{}, err
	}
	return ParseConfig(data)
}
