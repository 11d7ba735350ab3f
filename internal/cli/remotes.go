package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/progress"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/gitsync"
)

func newRemotes(e *env) *cobra.Command {
	command := &cobra.Command{
		Use:   "remotes",
		Short: "Keep copies of the repository in other places",
		Long: `Keep copies of the repository in other places: Git servers, other disks. They are
ordinary Git remotes in the repository's own configuration, so stock git knows
them; how to set each kind up is in docs/remotes.md.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(newRemotesAdd(e), newRemotesList(e), newRemotesPush(e), newRemotesRequire(e), newRemotesRemove(e))
	return command
}

type remotesAddOptions struct {
	repositoryOptions
	credentials string
	plaintext   bool
}

func newRemotesAdd(e *env) *cobra.Command {
	o := &remotesAddOptions{}
	command := &cobra.Command{
		Use:   "add NAME URL",
		Short: "Add a remote",
		Long: `Add a remote: https://host/path, ssh://user@host/path, user@host:path, or a
directory. Nothing is sent yet. Where many clusters share one remote, the part of it that belongs
to this one follows after a #, as in https://host/fleet.git#clusters/eu-1.

What is needed to log in are files in the directory remotes/NAME of the key
directory, named as in Flux's Git secrets: username and password, bearerToken,
identity (SSH private key), known_hosts, ca.crt. --credentials copies them from
another directory. A URL never holds a password.` +
			exitStatus("0  added", "1  failed, for example because NAME is taken", "10 no repository, or the directory of the remote is not there",
				"12 the credentials cannot be read", "64 wrong command line"),
		Example: `  appbur remotes add forge https://git.example/platform/mgmt.git --repo ./mgmt.git --credentials ./forge-token
  appbur remotes add vault git@vault.example:mgmt.git --repo ./mgmt.git
  appbur remotes add disk /mnt/backup/mgmt.git --repo ./mgmt.git
  appbur remotes add forge https://git.example/fleet.git#clusters/eu-1 --repo ./mgmt.git`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return remotesAddRun(cmd.Context(), e, o, args[0], args[1])
		},
	}
	o.addFlags(e, command)
	command.Flags().StringVar(&o.credentials, "credentials", "", "`DIR` with credential files to copy into the key directory")
	command.Flags().BoolVar(&o.plaintext, "allow-plaintext", false,
		"accept http:// to another machine: anyone on the way can read and change everything")
	return command
}

func remotesAddRun(ctx context.Context, e *env, o *remotesAddOptions, name, text string) error {
	if err := gitsync.CheckRemoteName(name); err != nil {
		return &usageError{err}
	}
	u, err := remoteURL(text)
	if err != nil {
		return err
	}

	if u.Plaintext() && !o.plaintext {
		return &usageError{appbur.WithHint(errors.New("http:// to another machine: anyone on the way can read and change everything"),
			"use https:// or ssh, or pass --allow-plaintext")}
	}
	if err := wantDirectory(u); err != nil {
		return err
	}
	repo, err := o.open()
	if err != nil {
		return err
	}

	keys, err := o.keysDir(e, repo)
	if err != nil {
		return err
	}
	dir := keyring.CredentialsDir(keys, name)
	if o.credentials != "" {
		if _, err := keyring.CopyCredentials(o.credentials, dir); err != nil {
			return err
		}
	}

	if _, err := keyring.LoadCredentials(dir); err != nil {
		return err
	}
	if err := repo.AddRemote(ctx, repository.Remote{Name: name, URL: u, AllowPlaintext: o.plaintext}); err != nil {
		return err
	}
	fmt.Fprintf(e.Out, "remote       %s\nurl          %s\ncredentials  %s\n", name, u, dir)
	e.say("Next: appbur remotes push --repo %s", repo.Dir())
	return nil
}

func newRemotesList(e *env) *cobra.Command {
	var (
		o      repositoryOptions
		asJSON bool
	)
	command := &cobra.Command{
		Use:   "list",
		Short: "List remotes and their state: up to date, behind, diverged, unreachable …",
		Long: `Read the state of every remote: up to date, behind, diverged, unreachable and so
on (docs/remotes.md explains each state).` +
			exitStatus("0  every remote is up to date", "3  some are not", "10 no repository", "12 the key directory cannot be read"),
		Example: `  appbur remotes list --repo ./mgmt.git
  appbur remotes list --repo ./mgmt.git --json | jq '.[] | select(.state != "up to date")'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return remotesListRun(cmd.Context(), e, &o, asJSON) },
	}

	o.addFlags(e, command)
	jsonFlag(command, &asJSON)
	headersFlag(e, command)
	return command
}

func remotesListRun(ctx context.Context, e *env, o *repositoryOptions, asJSON bool) error {
	repo, err := o.open()
	if err != nil {
		return err
	}
	keys, err := o.keysDir(e, repo)
	if err != nil {
		return err
	}
	bar := e.bar("reading the remotes", progress.Uncounted)
	list, err := repo.RemoteStatuses(ctx, keys, e.remoteOptions())
	bar.finish()
	if err != nil {
		return err
	}
	for i := range list {
		list[i].Hint = hintOf(list[i].Err())
	}

	if asJSON {
		if err := e.printJSON(append([]repository.RemoteStatus{}, list...)); err != nil {
			return err
		}
	} else {
		e.printRemotes(list, repo.Dir())
		if err := e.sayRequired(repo, len(list)); err != nil {
			return err
		}
	}

	for _, r := range list {
		if r.State != gitsync.RemoteUpToDate {
			return errPartly
		}
	}
	return nil
}

func (e *env) printRemotes(list []repository.RemoteStatus, dir string) {
	if len(list) == 0 {
		e.say("No remotes yet. Add one with: appbur remotes add NAME URL --repo %s", dir)
		return
	}
	t := e.newTable(remotesColumns...)

	for _, r := range list {
		state := coloured(sgrRed, string(r.State))
		switch r.State {
		case gitsync.RemoteUpToDate:
			state.sgr = sgrGreen
		case gitsync.RemoteBehind, gitsync.RemoteEmpty:
			state.sgr = sgrYellow
			state.text += fmt.Sprintf(": %s and %s are missing", count(r.Commits, "commit"), count(r.Points, "restore point"))
		}
		last := "never"
		if r.LastPush != nil {
			last = e.when(*r.LastPush)
		}
		t.add(coloured(sgrCyan, r.Name), state, plain(last), plain(r.URL))
	}

	t.print(e.Out)
	for _, r := range list {
		e.explainRemote(r.Name, r.Error, r.Hint)
	}
}

func newRemotesPush(e *env) *cobra.Command {
	var (
		o      repositoryOptions
		asJSON bool
	)
	command := &cobra.Command{
		Use:   "push [NAME...]",
		Short: "Bring remotes up to date",
		Long: `Bring remotes up to date, all of them or those that are named: the history on
main and the restore points. Only what a remote does not have is sent; nothing is
ever forced. Without names as many remotes must succeed as the setting
appbur.requiredRemotes says, or all of them.` +
			exitStatus("0  as many remotes as required hold everything", "3  fewer do (the reasons are printed)", "10 no repository",
				"64 wrong command line"),
		Example: `  appbur remotes push --repo ./mgmt.git
  appbur remotes push forge --repo ./mgmt.git --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return remotesPushRun(cmd.Context(), e, &o, args, asJSON)
		},
	}

	o.addFlags(e, command)
	jsonFlag(command, &asJSON)
	return command
}

func remotesPushRun(ctx context.Context, e *env, o *repositoryOptions, names []string, asJSON bool) error {
	repo, err := o.open()
	if err != nil {
		return err
	}
	keys, err := o.keysDir(e, repo)
	if err != nil {
		return err
	}

	bar := e.transferBar()
	options := e.remoteOptions()
	options.Progress = bar.report
	done, err := e.push(ctx, repo, keys, names, options)
	bar.finish()
	if err != nil {
		return err
	}

	if asJSON {
		if err := e.printJSON(done); err != nil {
			return err
		}
	} else {
		e.printReplication(done)
		if len(done.Remotes) == 0 {
			e.say("No remotes yet. Add one with: appbur remotes add NAME URL --repo %s", repo.Dir())
		}
	}

	if !done.Replicated() {
		return errPartly
	}
	return nil
}

func newRemotesRemove(e *env) *cobra.Command {
	var (
		o   repositoryOptions
		yes bool
	)
	command := &cobra.Command{
		Use:   "remove NAME",
		Short: "Forget a remote; what it holds stays there",
		Long: "Forget a remote. What it holds stays there, and its credentials stay in the key\ndirectory." +
			exitStatus("0  removed", "1  there is no such remote", "10 no repository", "64 no terminal and no --yes"),
		Example: `  appbur remotes remove forge --repo ./mgmt.git`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			repo, err := o.open()
			if err != nil {
				return err
			}
			if !yes {
				if err := e.confirm(cmd.Context(), fmt.Sprintf("Forget the remote %s of %s?", args[0], repo.Dir())); err != nil {
					return err
				}
			}
			return repo.RemoveRemote(cmd.Context(), args[0])
		},
	}

	o.addFlags(e, command)
	command.Flags().BoolVar(&yes, "yes", false, "do not ask for confirmation")
	return command
}
