package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur/internal/repository"
)

type initOptions struct {
	dir        string
	keys       string
	recipients []string
	json       bool
}

func newInit(e *env) *cobra.Command {
	o := &initOptions{}
	command := &cobra.Command{
		Use:   "init REPO",
		Short: "Make a repository and its keys",
		Long: `Make a bare Git repository for the history of one cluster, and three keys:

  identity.txt       age identity: decrypts Secrets. Needed to restore only. Keep a
                     copy where the cluster cannot reach it; without it the
                     Secrets in the repository are lost.
  fingerprint.key    keeps the ciphertext of unchanged Secrets stable
  signing.key        SSH key that signs commits and restore points; its public
                     half is in allowed_signers` + exitStatus("0  made", "1  failed, for example because REPO exists",
			"64 wrong command line"),
		Example: `  appbur init ./mgmt.git
  appbur init ./mgmt.git --keys /secure/mgmt-keys --recipient age1…`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.dir = args[0]
			return initRun(cmd.Context(), e, o)
		},
	}
	command.Flags().StringVar(&o.keys, "keys", e.getenv(envKeys), "`DIR` to write the keys to (default: below ~/.config/appbur/keys)")
	command.Flags().StringArrayVar(&o.recipients, "recipient", nil, "`AGE1…` public key of another recipient of Secrets; repeatable")
	jsonFlag(command, &o.json)
	return command
}

func initRun(ctx context.Context, e *env, o *initOptions) error {
	if err := refuseURL(o.dir); err != nil {
		return err
	}
	root := ""
	if o.keys == "" {
		var err error
		if root, err = e.keysRoot(); err != nil {
			return err
		}
	}

	created, err := repository.Create(ctx, o.dir, o.keys, root, o.recipients, e.rand, e.now)
	if err != nil {
		return err
	}
	repo, err := repository.Open(created.Dir)
	if err != nil {
		return err
	}
	if err := e.bind(repo, created.KeysDir); err != nil {
		return err
	}

	if o.json {
		return e.printJSON(struct {
			Repository string `json:"repository"`
			Keys       string `json:"keys"`
			Identity   string `json:"identity"`
			Recipient  string `json:"recipient"`
		}{created.Dir, created.KeysDir, created.Identity, created.Recipient})
	}

	fmt.Fprintf(e.Out, "repository  %s\nkeys        %s\nrecipient   %s\n", created.Dir, created.KeysDir, created.Recipient)
	e.say("Keep a copy of %s away from this machine: without it the Secrets cannot be restored.\nNext: appbur backup --repo %s",
		created.Identity, created.Dir)
	return nil
}
