package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/seal"
)

func newTrust(e *env) *cobra.Command {
	command := &cobra.Command{
		Use:   "trust",
		Short: "Say whose signatures count for a copy of a repository",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(newTrustSet(e), newTrustShow(e))
	return command
}

// trustJSON is what `trust show --json` prints (docs/json.md).
type trustJSON struct {
	Path       string               `json:"path"`
	Repository string               `json:"repository"`
	Keys       string               `json:"keys"`
	Signers    []seal.TrustedSigner `json:"signers"`
}

func newTrustSet(e *env) *cobra.Command {
	var (
		o   repositoryOptions
		yes bool
	)
	command := &cobra.Command{
		Use:   "set",
		Short: "Bind a copy to its keys, and to the signers that it trusts",
		Long: `Bind the copy of a repository at --repo to the key directory at --keys. From then on
commands find the keys by themselves, and trust the signers in its allowed_signers.

` + "`appbur init`" + ` and ` + "`appbur clone --keys`" + ` do this by themselves; it is needed for a
copy that was made in another way, and after a copy was moved. Compare the fingerprints
with those that ` + "`appbur trust show`" + ` prints on the machine that takes the backups. The
binding is stored in ~/.config/appbur, where no push can reach it (docs/trust.md).` +
			exitStatus("0  bound", "1  failed", "10 no repository", "12 the keys belong to another repository, or trust no signer",
				"64 wrong command line, or no terminal and no --yes"),
		Example: `  appbur trust set --repo ./copy.git --keys /secure/mgmt-keys`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return trustSetRun(cmd.Context(), e, &o, yes) },
	}
	o.addFlags(e, command)
	command.Flags().BoolVar(&yes, "yes", false, "do not ask for confirmation")
	return command
}

func trustSetRun(ctx context.Context, e *env, o *repositoryOptions, yes bool) error {
	if o.keys == "" {
		return &usageError{appbur.WithHint(errors.New("no keys are named"),
			"pass --keys DIR, a copy of the key directory of the machine that takes the backups")}
	}
	root := e.bindingsRoot()
	if root == "" {
		return &usageError{appbur.WithHint(errors.New("no place for the binding is known"), "set HOME or XDG_CONFIG_HOME")}
	}
	repo, err := o.open()
	if err != nil {
		return err
	}

	trusted, err := keyring.TrustRoot(o.keys, "")
	if err != nil {
		return err
	}
	if err := e.printTrust(repo, o.keys, trusted); err != nil {
		return err
	}
	if !yes {
		if err := e.confirm(ctx, fmt.Sprintf("Believe these signers about %s from now on?", repo.Dir())); err != nil {
			return err
		}
	}
	_, err = repo.Bind(root, o.keys)
	return err
}

func newTrustShow(e *env) *cobra.Command {
	var (
		o      repositoryOptions
		asJSON bool
	)
	command := &cobra.Command{
		Use:   "show",
		Short: "Show which keys a copy is bound to, and the fingerprints of whom it believes",
		Long: "Show which keys a copy is bound to, and the fingerprints of whom it believes, in the\nform in which `ssh-keygen -l` prints them." +
			exitStatus("0  shown", "10 no repository", "12 the copy is not bound, is bound to another repository, or trusts no signer"),
		Example: `  appbur trust show --repo ./mgmt.git`,
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return trustShowRun(e, &o, asJSON) },
	}
	o.addFlags(e, command)
	jsonFlag(command, &asJSON)
	return command
}

func trustShowRun(e *env, o *repositoryOptions, asJSON bool) error {
	repo, err := o.open()
	if err != nil {
		return err
	}
	keys, err := o.keysDir(e, repo)
	if err != nil {
		return err
	}

	trusted, err := keyring.TrustRoot(keys, "")
	if err != nil {
		return err
	}
	if !asJSON {
		return e.printTrust(repo, keys, trusted)
	}
	signers, err := seal.ListSigners(trusted)
	if err != nil {
		return err
	}
	return e.printJSON(trustJSON{repo.Dir(), string(repo.Config().Repository), keys, signers})
}

// printTrust says what a copy is bound to.
func (e *env) printTrust(repo *repository.Repository, keys string, trusted []byte) error {
	fmt.Fprintf(e.Out, "repository  %s (%s)\nkeys        %s\n", repo.Dir(), repo.Config().Repository, keys)
	return e.printSigners(trusted)
}
