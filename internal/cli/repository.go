package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/appbur/appbur/pkg/manifest"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/progress"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/seal"
)

// repositoryOptions say which repository, and where its keys are.
type repositoryOptions struct {
	repo     string
	keys     string
	identity string
	trust    string
	anchor   string
	accept   bool
	// skipSignatures accepts a point without a trusted signature.
	skipSignatures bool
	// fence is asked before each write whether this process may still write, nil if it may in any case.
	fence func(context.Context) error
}

func (o *repositoryOptions) addFlags(e *env, command *cobra.Command) {
	command.Flags().StringVar(&o.repo, "repo", e.getenv(envRepository), "`DIR` of the repository (default: $"+envRepository+")")
	command.Flags().StringVar(&o.keys, "keys", e.getenv(envKeys),
		"`DIR` of the repository's keys (default: $"+envKeys+", else those that this copy is bound to, see `appbur trust`)")
}

func (o *repositoryOptions) addReadFlags(e *env, command *cobra.Command) {
	command.Flags().StringVar(&o.identity, "identity", e.getenv(envIdentity),
		"`FILE` with the age identity that decrypts Secrets (default: $"+envIdentity+", else the one in the key directory)")
	o.addTrustFlag(command)
}

func (o *repositoryOptions) addTrustFlag(command *cobra.Command) {
	command.Flags().StringVar(&o.trust, "trust", "",
		"`FILE` in the format of allowed_signers: whose restore points to believe (default: the one in the key directory)")
}

// addHistoryFlags adds what the history is compared with.
func (o *repositoryOptions) addHistoryFlags(e *env, command *cobra.Command) {
	command.Flags().BoolVar(&o.skipSignatures, "insecure-skip-signatures", false,
		"accept a restore point without a trusted signature: whoever can write to the repository decides what is in it")
	o.addAnchorFlag(e, command, "that the history must lead back to")
	command.Flags().BoolVar(&o.accept, "accept-history", false,
		"continue although the history is not the one seen before, or has commits without a trusted signature (docs/trust.md)")
}

// addAnchorFlag adds the place of an anchor, which is `that …` or `to …`.
func (o *repositoryOptions) addAnchorFlag(e *env, command *cobra.Command, what string) {
	command.Flags().StringVar(&o.anchor, "anchor", e.getenv(envAnchor),
		"`FILE`, or directory of files, with an anchor "+what+" (default: $"+envAnchor+")")
}

// readAnchor reads the requested anchor, if any.
func (o *repositoryOptions) readAnchor() (*repository.SignedAnchor, error) {
	if o.anchor == "" {
		return nil, nil
	}
	a, _, err := repository.ReadAnchor(o.anchor)
	return a, err
}

// open opens the repository.
func (o *repositoryOptions) open() (*repository.Repository, error) {
	if o.repo == "" {
		return nil, &usageError{appbur.WithHint(errors.New("no repository is named"), "pass --repo DIR or set "+envRepository)}
	}
	if err := refuseURL(o.repo); err != nil {
		return nil, err
	}
	return repository.Open(o.repo)
}

// writable opens the repository with the keys that writing needs.
func (o *repositoryOptions) writable(e *env) (*repository.Repository, *keyring.Keys, error) {
	repo, err := o.open()
	if err != nil {
		return nil, nil, err
	}
	repo.Fence(o.fence)
	dir, err := o.keysDir(e, repo)
	if err != nil {
		return nil, nil, err
	}
	keys, err := keyring.Load(dir)
	if err == nil {
		e.warnExposed(keys.Files())
	}
	return repo, keys, err
}

func refuseURL(repo string) error {
	if strings.Contains(repo, "://") || strings.HasPrefix(repo, "git@") {
		return &usageError{appbur.WithHint(fmt.Errorf("%s is a URL, and a repository is a directory", repo),
			"make a copy with `appbur clone URL DIR`, and name the copy")}
	}
	return nil
}

// chosen is a restore point of an open repository.
type chosen struct {
	repo *repository.Repository
	keys string
	ref  repository.PointRef
	// trust says how far the point can be believed.
	trust repository.TrustStatus
}

// point opens the repository, resolves a point and checks its signature.
func (o *repositoryOptions) point(e *env, name string) (chosen, error) {
	repo, err := o.open()
	if err != nil {
		return chosen{}, err
	}
	c := chosen{repo: repo}

	// Each point and commit that it rests on is read, and its signature checked.
	bar := e.bar("looking for the restore point", progress.Uncounted)
	defer bar.finish()
	if c.keys, err = o.judgeKeys(e, repo); err != nil {
		return chosen{}, err
	}
	if isLatest(name) {
		c.ref, err = o.latest(e, repo, c.keys, name)
	} else {
		c.ref, err = repo.Resolve(name)
	}

	if err != nil {
		return chosen{}, err
	}
	trust := repository.Trust{KeysDir: c.keys, AcceptHistory: o.accept, SkipSignatures: o.skipSignatures}
	if o.skipSignatures {
		e.warn("the signature of %s was not checked, because of --insecure-skip-signatures: anybody may have made it", c.ref.ID)
	} else if trust.Signers, err = o.trustRoot(e, c.keys); err != nil {
		return chosen{}, err
	}
	if trust.Anchor, err = o.readAnchor(); err != nil {
		return chosen{}, err
	}

	c.trust, err = repo.VerifyTrust(c.ref, trust)
	switch {
	case err != nil:
		return c, err
	case c.trust.Accepted != "":
		e.warn("%s; going on, because of --accept-history", c.trust.Accepted)
	case c.trust.Signer != "" && c.keys != "":
		// What is good is what the next command starts from. A machine without a key
		// directory, or with one that cannot be written to, remembers nothing.
		_ = repo.Remember(c.keys, c.trust.Tip, e.now())
		if name == repository.Latest {
			_ = repo.RememberPoint(c.keys, c.ref, e.now())
		}
	}

	return c, nil
}

// prunable opens the repository with those whose restore points count, nil when no signer
// is trusted yet.
func (o *repositoryOptions) prunable(e *env) (*repository.Repository, []byte, error) {
	repo, err := o.open()
	if err != nil {
		return nil, nil, err
	}

	trusted, err := o.signers(e, repo)
	return repo, trusted, err
}

// signers reads whose restore points count, nil when no signer is trusted yet.
func (o *repositoryOptions) signers(e *env, repo *repository.Repository) ([]byte, error) {
	keys, err := o.judgeKeys(e, repo)
	if errors.Is(err, repository.ErrUnbound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}

	trusted, err := o.trustRoot(e, keys)
	if errors.Is(err, keyring.ErrNobodyTrusted) {
		return nil, nil
	}
	return trusted, err
}

// trustRoot reads whom to believe, and tells of a trust root that others can change.
func (o *repositoryOptions) trustRoot(e *env, keys string) ([]byte, error) {
	trusted, err := keyring.TrustRoot(keys, o.trust)
	if err == nil {
		e.warnWritable(keyring.TrustFiles(keys, o.trust))
	}
	return trusted, err
}

// openPoint finds a point in a repository whose rules may be obeyed, with what opens its Secrets.
func (o *repositoryOptions) openPoint(e *env, name string) (chosen, *seal.Opener, error) {
	c, err := o.point(e, name)
	if err != nil {
		return chosen{}, nil, err
	}
	if err := o.checkPolicy(e, c); err != nil {
		return chosen{}, nil, err
	}
	opener, err := o.opener(e, c.keys)
	return c, opener, err
}

// catalog reads what there is of restore points.
func (e *env) catalog(repo *repository.Repository, trusted []byte) (repository.Catalog, error) {
	bar := e.bar("reading the restore points", "points")
	defer bar.finish()
	return repo.CatalogWithProgress(trusted, bar.setInts)
}

// loadPoint reads a point that was chosen.
func (e *env) loadPoint(ctx context.Context, c chosen, opener *seal.Opener) (*repository.Loaded, error) {
	bar := e.bar("reading the restore point", "objects")
	defer bar.finish()
	return c.repo.LoadWithProgress(ctx, c.ref, opener, bar.setInts)
}

// checkPolicy demands that somebody trusted has signed the rules: by rules of somebody
// else, differences between a cluster and a point could be left out of sight.
func (o *repositoryOptions) checkPolicy(e *env, c chosen) error {
	if o.skipSignatures {
		return nil // said already
	}
	trusted, err := o.trustRoot(e, c.keys)
	if err != nil {
		return err
	}
	err = c.repo.CheckPolicy(trusted)
	if errors.Is(err, repository.ErrPolicy) && o.accept {
		e.warn("%s; going on, because of --accept-history", oneLine(err.Error()))
		return nil
	}
	return err
}

func (o *repositoryOptions) opener(e *env, keys string) (*seal.Opener, error) {
	identity := o.identity
	if identity != "" {
		if _, err := os.Stat(identity); err != nil {
			return nil, &usageError{appbur.WithHint(fmt.Errorf("--identity: %w", err), "pass the identity.txt that `appbur init` made")}
		}
	}
	opener, err := keyring.LoadOpener(keys, identity)
	if err == nil {
		e.warnExposed([]string{keyring.IdentityPath(keys, identity)})
	}
	return opener, err
}

// warnExposed tells of key files that others can read. Only a warning: where
// permissions come from a volume, no user can change them at once, and a backup is better
// than none.
func (e *env) warnExposed(files []string) {
	for _, x := range keyring.Exposed(files) {
		e.warn("%s can be used by others than its owner (mode %04o): chmod 600 %s", x.File, x.Mode, x.File)
	}
}

// policyProblem says why appbur.yaml would not be obeyed, nil if it would.
func (o *repositoryOptions) policyProblem(e *env, repo *repository.Repository) error {
	keys, err := o.judgeKeys(e, repo)
	if err != nil {
		return err
	}
	trusted, err := o.trustRoot(e, keys)
	if err != nil {
		return err
	}
	return repo.CheckPolicy(trusted)
}

// rules are those of the repository, or the built-in ones when none is named. Looking at
// rules obeys nothing, so those that a backup would refuse are shown, and that is said.
func (o *repositoryOptions) rules(e *env) (*manifest.Rules, error) {
	if o.repo == "" {
		return manifest.Default(), nil
	}
	repo, err := o.open()
	if err != nil {
		return nil, err
	}
	if err := o.policyProblem(e, repo); errors.Is(err, repository.ErrPolicy) {
		e.warn("%s; %s", oneLine(err.Error()), hintOf(err))
	}
	return repo.ManifestRules()
}
