package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/gitsync"
)

type cloneOptions struct {
	keys        string
	name        string
	credentials string
	plaintext   bool
	json        bool
}

func newClone(e *env) *cobra.Command {
	o := &cloneOptions{}
	command := &cobra.Command{
		Use:   "clone URL DIR",
		Short: "Make a working copy of a repository from one of its remotes",
		Long: `Make a repository from one of its remotes, with its whole history and all restore
points: on a new machine, or in place of one that is lost. Every object is checked
on arrival. The remote stays a remote of the copy, so ` + "`appbur backup`" + ` goes on
from it at once; restoring needs the age identity as well.

With --keys the copy believes whom allowed_signers there names, from now on: the
fingerprints are printed. Without, say it with ` + "`appbur trust set`" + `; until then nothing of
the copy is restored, whatever is written in it (docs/trust.md).

Of a remote that many clusters share, https://host/fleet.git#clusters/eu-1 clones one.

The credentials are those in remotes/NAME of the key directory, or in
--credentials.` +
			exitStatus("0  cloned", "1  failed, DIR is as it was", "10 the remote is no appbur repository",
				"12 a login was refused, a host or certificate is not trusted, or the keys belong to another repository", "64 wrong command line"),
		Example: `  appbur clone https://git.example/platform/mgmt.git ./mgmt.git --keys /secure/mgmt-keys
  appbur clone git@vault.example:mgmt.git ./mgmt.git --keys /secure/mgmt-keys --name vault`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return cloneRun(cmd.Context(), e, o, args[0], args[1])
		},
	}
	command.Flags().StringVar(&o.keys, "keys", e.getenv(envKeys), "`DIR` of the repository's keys (default: $"+envKeys+")")
	command.Flags().StringVar(&o.name, "name", "origin", "`NAME` of the remote in the copy")
	command.Flags().StringVar(&o.credentials, "credentials", "",
		"`DIR` with the credential files of the remote (default: remotes/NAME of the key directory)")
	command.Flags().BoolVar(&o.plaintext, "allow-plaintext", false,
		"accept http:// to another machine: anyone on the way can read and change everything")
	jsonFlag(command, &o.json)
	return command
}

func cloneRun(ctx context.Context, e *env, o *cloneOptions, text, dir string) error {
	if err := gitsync.CheckRemoteName(o.name); err != nil {
		return &usageError{err}
	}
	u, err := remoteURL(text)
	if err != nil {
		return err
	}
	if err := refuseURL(dir); err != nil {
		return err
	}
	from := o.credentials
	if from == "" && o.keys != "" {
		from = keyring.CredentialsDir(o.keys, o.name)
	}
	remote := gitsync.Remote{Name: o.name, URL: u, AllowPlaintext: o.plaintext}
	if from != "" {
		if remote.Credentials, err = keyring.LoadCredentials(from); err != nil {
			return err
		}
	}

	bar := e.transferBar()
	options := e.remoteOptions()
	options.Progress = bar.report
	repo, done, err := repository.Clone(ctx, dir, remote, options)
	bar.finish()
	if err != nil {
		return err
	}
	for _, name := range done.Skipped {
		e.warn("the remote lists %s, which no ref can be called; it was left out", name)
	}

	keys, trusted, err := o.trustClone(e, repo)
	if err != nil {
		return err
	}
	if o.json {
		return e.printJSON(struct {
			Repository string `json:"repository"`
			Commit     string `json:"commit"`
			Points     int    `json:"points"`
			Objects    int    `json:"objects"`
			Bytes      int64  `json:"bytes"`
		}{repo.Dir(), done.Tip.String(), done.Tags, done.Objects, done.Bytes})
	}
	fmt.Fprintf(e.Out, "repository  %s\ncommit      %.12s, %s, %d objects (%s)\n", repo.Dir(), done.Tip, count(done.Tags, "restore point"),
		done.Objects, sizeText(done.Bytes))
	if err := e.printSigners(trusted); err != nil || keys == "" {
		return err
	}
	if _, err := keyring.Load(keys); err != nil {
		e.warn("%s: backups into the copy need the keys: copy the key directory of the first machine there, or pass --keys", oneLine(err.Error()))
	}
	if from != keyring.CredentialsDir(keys, o.name) && from != "" {
		if _, err := os.Stat(keyring.CredentialsDir(keys, o.name)); err != nil {
			e.say("For pushing, copy the credentials to %s", keyring.CredentialsDir(keys, o.name))
		}
	}
	return nil
}

// trustClone binds a fresh copy to the keys that were named, and returns them and whom
// the copy believes from now on. Without keys the copy may be in the place of one that
// was lost, and is bound already; otherwise it is left to the user, and both are empty.
func (o *cloneOptions) trustClone(e *env, repo *repository.Repository) (keys string, trusted []byte, err error) {
	if o.keys != "" {
		err = e.bind(repo, o.keys)
	}
	if err == nil {
		keys, err = (&repositoryOptions{keys: o.keys}).keysDir(e, repo)
	}
	if err == nil {
		trusted, err = keyring.TrustRoot(keys, "")
	}
	if errors.Is(err, repository.ErrUnbound) || errors.Is(err, keyring.ErrNobodyTrusted) {
		e.warn("%s, so nothing of the copy is restored yet; %s", oneLine(err.Error()), hintOf(err))
		return keys, nil, nil
	}
	return keys, trusted, err
}
