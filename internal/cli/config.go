package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/linediff"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/gitsync"
)

func newConfig(e *env) *cobra.Command {
	command := &cobra.Command{
		Use:   "config",
		Short: "Show and change appbur.yaml; check and explain the configuration of run",
		Long: `show, set, edit and adopt are about appbur.yaml on main of a repository: rules, guards,
retention, recipients, applications. schema, check and explain are about the file that
appbur run --config reads on a machine or in a pod (docs/configuration.md).`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(newConfigShow(e), newConfigSet(e), newConfigEdit(e), newConfigAdopt(e),
		newConfigSchema(e), newConfigCheck(e), newConfigExplain(e))
	return command
}

func newConfigShow(e *env) *cobra.Command {
	var (
		o      repositoryOptions
		asJSON bool
	)
	command := &cobra.Command{
		Use:   "show",
		Short: "Print appbur.yaml, and whether it is in force",
		Long: "Print appbur.yaml as it is on main, and whether it has a trusted signature:\notherwise it is not in force." +
			exitStatus("0  printed", "10 no repository"),
		Example: `  appbur config show --repo ./mgmt.git`,
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return configShowRun(e, &o, asJSON) },
	}
	o.addFlags(e, command)
	o.addTrustFlag(command)
	jsonFlag(command, &asJSON)
	return command
}

func configShowRun(e *env, o *repositoryOptions, asJSON bool) error {
	repo, err := o.open()
	if err != nil {
		return err
	}
	problem := o.policyProblem(e, repo)

	if asJSON {
		text := ""
		if problem != nil {
			text = problem.Error()
		}
		return e.printJSON(struct {
			Text    string `json:"text"`
			Obeyed  bool   `json:"obeyed"`
			Problem string `json:"problem,omitempty"`
		}{string(repo.Config().Text()), problem == nil, text})
	}

	if problem != nil {
		e.warn("%s; %s", oneLine(problem.Error()), hintOf(problem))
	}
	_, err = e.Out.Write(repo.Config().Text())
	return err
}

// configChangeOptions are those of the commands that change appbur.yaml.
type configChangeOptions struct {
	repositoryOptions
	yes    bool
	dryRun bool
}

func (o *configChangeOptions) addFlags(e *env, command *cobra.Command) {
	o.repositoryOptions.addFlags(e, command)
	command.Flags().BoolVar(&o.yes, "yes", false, "do not ask for confirmation")
	command.Flags().BoolVar(&o.dryRun, "dry-run", false, "show what would change, and change nothing")
}

// agree shows a change and asks. It returns false when nothing is to be done.
func (o *configChangeOptions) agree(ctx context.Context, e *env, before, after repository.Config, question string) (bool, error) {
	fmt.Fprint(e.Out, linediff.Patch(linediff.Lines(before.Text()), linediff.Lines(after.Text())))
	for _, loss := range repository.PolicyLosses(before, after) {
		e.warn("this %s", oneLine(loss))
	}
	if o.dryRun {
		return false, nil
	}
	if o.yes {
		return true, nil
	}
	return true, e.confirm(ctx, question)
}

const configStatus = "the copy is bound to no keys, a key is missing, or appbur.yaml has no trusted signature"

func newConfigSet(e *env) *cobra.Command {
	o := &configChangeOptions{}
	command := &cobra.Command{
		Use:   "set KEY VALUE",
		Short: "Change one setting of appbur.yaml in a signed commit",
		Long: `Change one setting of appbur.yaml in a signed commit. KEY is a path such as
guards.share, VALUE is YAML; null removes the setting. The change is checked as a whole and
shown, with what it gives up, before it is made.` +
			exitStatus("0  changed, or equal already", "1  the setting or the value is wrong, nothing was changed", "10 no repository",
				"11 another process changed it", "12 "+configStatus, "64 wrong command line, or no terminal and no --yes"),
		Example: `  appbur config set retention '{last: 5, daily: 7}' --repo ./mgmt.git
  appbur config set guards.share 0.3 --repo ./mgmt.git --yes`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return configChangeRun(cmd.Context(), e, o, func(c repository.Config) ([]byte, error) { return c.With(args[0], args[1]) })
		},
	}
	o.addFlags(e, command)
	return command
}

func newConfigEdit(e *env) *cobra.Command {
	o := &configChangeOptions{}
	var file string
	command := &cobra.Command{
		Use:   "edit",
		Short: "Edit appbur.yaml and commit it, signed",
		Long: `Open appbur.yaml in $VISUAL or $EDITOR, or take it from --file, and commit it, signed. It is
checked as a whole and shown, with what it gives up, before it is committed.` +
			exitStatus("0  changed, or equal already", "1  the text is wrong, nothing was changed", "10 no repository",
				"11 another process changed it", "12 "+configStatus, "64 wrong command line, or no terminal and no --yes"),
		Example: `  appbur config edit --repo ./mgmt.git
  appbur config show --repo ./mgmt.git | sed 's/floor: 20/floor: 50/' | appbur config edit --repo ./mgmt.git --file - --yes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return configChangeRun(cmd.Context(), e, o, func(c repository.Config) ([]byte, error) {
				switch file {
				case "":
					return e.edit(cmd.Context(), c.Text())
				case "-":
					return io.ReadAll(e.In)
				default:
					return os.ReadFile(file)
				}
			})
		},
	}

	o.addFlags(e, command)
	command.Flags().StringVar(&file, "file", "", "`FILE` with the new text, - for standard input (default: an editor is opened)")
	return command
}

func configChangeRun(ctx context.Context, e *env, o *configChangeOptions, change func(repository.Config) ([]byte, error)) error {
	repo, keys, err := o.writable(e)
	if err != nil {
		return err
	}
	text, err := change(repo.Config())
	if err != nil {
		return err
	}
	after, err := repository.ParseConfig(text)
	if err != nil {
		return err
	}

	if bytes.Equal(text, repo.Config().Text()) {
		e.say("Nothing to change.")
		return nil
	}
	if wanted, err := o.agree(ctx, e, repo.Config(), after, "Change "+appbur.RepositoryFile+" like this?"); err != nil || !wanted {
		return err
	}
	commit, err := repo.SetConfig(ctx, keys, text, e.now())
	if err != nil {
		return err
	}
	fmt.Fprintf(e.Out, "commit  %.12s\n", commit)
	return nil
}

// edit lets the user's editor change a text.
func (e *env) edit(ctx context.Context, text []byte) (edited []byte, err error) {
	editor := e.getenv("VISUAL")
	if editor == "" {
		editor = e.getenv("EDITOR")
	}
	if editor == "" {
		return nil, &usageError{appbur.WithHint(errors.New("no editor is known"), "set EDITOR, or pass --file FILE")}
	}
	dir, err := os.MkdirTemp("", "appbur-config-")
	if err != nil {
		return nil, fmt.Errorf("editing: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	path := filepath.Join(dir, appbur.RepositoryFile)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return nil, fmt.Errorf("editing: %w", err)
	}
	// The variable is a command line, as for git.
	command := exec.CommandContext(ctx, "sh", "-c", editor+` "$1"`, "sh", path)
	command.Stdin, command.Stdout, command.Stderr = e.In, e.Err, e.Err
	if err := command.Run(); err != nil {
		return nil, appbur.WithHint(fmt.Errorf("the editor %q: %w", editor, err), "nothing was changed")
	}
	return os.ReadFile(path)
}

func newConfigAdopt(e *env) *cobra.Command {
	o := &configChangeOptions{}
	command := &cobra.Command{
		Use:   "adopt",
		Short: "Review an appbur.yaml that was changed elsewhere, and sign it",
		Long: `Show how appbur.yaml differs from the one that was confirmed last, and what is no longer
saved or encrypted, and sign it as it is. Until then it is not in force if it has no trusted
signature, and no backup is made by rules that seal or save less than before.` +
			exitStatus("0  adopted, or in force already", "1  the text is wrong", "5  the history was rewritten (docs/trust.md)", "10 no repository",
				"11 another process changed it", "12 the copy is bound to no keys, or a key is missing", "64 no terminal and no --yes"),
		Example: `  appbur config adopt --repo ./mgmt.git --dry-run
  appbur config adopt --repo ./mgmt.git`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return configAdoptRun(cmd.Context(), e, o) },
	}
	o.addFlags(e, command)
	command.Flags().BoolVar(&o.accept, "accept-history", false,
		"adopt it although the history is not the one seen before (recorded in the commit)")
	return command
}

func configAdoptRun(ctx context.Context, e *env, o *configChangeOptions) error {
	repo, keys, err := o.writable(e)
	if err != nil {
		return err
	}
	agreed, problem, err := repo.Agreed(keys)
	if err != nil {
		return err
	}

	if problem == nil {
		e.say("Nothing to adopt: %s is in force as it is.", appbur.RepositoryFile)
		return nil
	}
	e.say("%s", oneLine(problem.Error()))
	if wanted, err := o.agree(ctx, e, agreed, repo.Config(), "Sign "+appbur.RepositoryFile+" as it is, and obey it?"); err != nil || !wanted {
		return err
	}
	commit, err := repo.AdoptConfig(ctx, keys, o.accept, e.now())
	if err != nil && !errors.Is(err, gitsync.ErrUnchanged) {
		return err
	}
	fmt.Fprintf(e.Out, "commit  %.12s\n", commit)
	return nil
}
