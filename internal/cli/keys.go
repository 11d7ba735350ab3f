package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/seal"
)

func newKeys(e *env) *cobra.Command {
	command := &cobra.Command{
		Use:   "keys",
		Short: "Change who can decrypt, and what signs",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(newKeysRotate(e))
	return command
}

type rotateOptions struct {
	repositoryOptions
	change repository.Rotation
	yes    bool
	json   bool
}

func newKeysRotate(e *env) *cobra.Command {
	o := &rotateOptions{}
	command := &cobra.Command{
		Use:   "rotate",
		Short: "Add or remove recipients, and replace keys",
		Long: `Add or remove recipients, and replace keys. Everything encrypted on main is
encrypted again in one signed commit, for which the age identity is needed; the
next backup makes no commit because of it. What remotes have that this copy
does not have is fetched first.

What was pushed, cloned or made a restore point before stays as it is: a
recipient who was removed can still read it with the old identity. Change the secrets
themselves as well when a key was stolen (docs/keys.md).` +
			exitStatus("0  done", "1  failed, nothing was changed", "5  the history was rewritten (docs/trust.md)", "10 no repository",
				"11 another process writes to the repository", "12 a key is missing or wrong", "64 wrong command line, or no terminal and no --yes"),
		Example: `  appbur keys rotate --repo ./mgmt.git --add age1… --remove age1…
  appbur keys rotate --repo ./mgmt.git --new-identity
  appbur keys rotate --repo ./mgmt.git --new-signing-key --new-fingerprint-key --yes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return keysRotateRun(cmd.Context(), e, o) },
	}
	o.addFlags(e, command)
	command.Flags().StringVar(&o.identity, "identity", e.getenv(envIdentity),
		"`FILE` with the age identity that decrypts what is there (default: $"+envIdentity+", else the one in the key directory)")
	command.Flags().StringArrayVar(&o.change.Add, "add", nil, "`AGE1…` public key of a recipient who can decrypt from now on; repeatable")
	command.Flags().StringArrayVar(&o.change.Remove, "remove", nil, "`AGE1…` public key of a recipient who cannot from now on; repeatable")
	command.Flags().BoolVar(&o.change.Identity, "new-identity", false,
		"make a new age key pair; the old identity stays in identity.txt for old restore points")
	command.Flags().BoolVar(&o.change.Fingerprint, "new-fingerprint-key", false, "make a new key for fingerprints")
	command.Flags().BoolVar(&o.change.Signing, "new-signing-key", false,
		"make a new key for signatures; the old one stays trusted for what it signed")
	command.Flags().BoolVar(&o.change.AcceptHistory, "accept-history", false,
		"go on from a history that is not the one seen before (recorded in the commit)")
	command.Flags().BoolVar(&o.yes, "yes", false, "do not ask for confirmation")
	jsonFlag(command, &o.json)
	return command
}

func keysRotateRun(ctx context.Context, e *env, o *rotateOptions) error {
	c := o.change
	if len(c.Add)+len(c.Remove) == 0 && !c.Identity && !c.Fingerprint && !c.Signing {
		return &usageError{appbur.WithHint(errors.New("nothing to change"),
			"pass --add, --remove, --new-identity, --new-fingerprint-key or --new-signing-key")}
	}
	repo, keys, err := o.writable(e)
	if err != nil {
		return err
	}
	if err := e.catchUp(ctx, repo, keys); err != nil {
		return err
	}
	// The signing key alone is changed without opening anything.
	var opener *seal.Opener
	if len(c.Add)+len(c.Remove) > 0 || c.Identity || c.Fingerprint {
		if opener, err = o.opener(e, keys.Dir); err != nil {
			return err
		}
	}
	if !o.yes {
		if err := e.confirm(ctx, fmt.Sprintf("Change the keys of %s?", repo.Dir())); err != nil {
			return err
		}
	}

	bar := e.bar("encrypting again", "manifests")
	c.Progress = bar.setInts
	done, err := repo.Rotate(ctx, keys, opener, c, e.rand, e.now)
	bar.finish()
	if err != nil {
		return err
	}
	if o.json {
		return e.printJSON(struct {
			Commit     string                  `json:"commit"`
			Committed  bool                    `json:"committed"`
			Recipients []string                `json:"recipients"`
			Resealed   int                     `json:"resealed"`
			Recipient  string                  `json:"newRecipient,omitempty"`
			SigningKey string                  `json:"newSigningKey,omitempty"`
			Points     []appbur.RestorePointID `json:"unchangedPoints"`
		}{done.Commit.String(), done.Committed, done.Recipients, done.Resealed, done.Recipient, done.SigningKey, append([]appbur.RestorePointID{},
			done.Points...)})
	}
	if done.Committed {
		fmt.Fprintf(e.Out, "commit         %.12s: %d files encrypted again\n", done.Commit, done.Resealed)
	}
	for _, recipient := range done.Recipients {
		fmt.Fprintf(e.Out, "can decrypt    %s\n", recipient)
	}
	if done.SigningKey != "" {
		fmt.Fprintf(e.Out, "signs          %s\n", done.SigningKey)
	}
	if len(done.Points) > 0 && done.Committed {
		e.say("%d restore points, and the history before, stay encrypted to the recipients of their time.", len(done.Points))
	}
	if done.Recipient != "" {
		e.say("Keep a copy of the new identity.txt in %s away from this machine.", keys.Dir)
	}
	return nil
}
