package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/drillreport"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/seal"
)

func newDrillShow(e *env) *cobra.Command {
	var (
		o      repositoryOptions
		form   string
		asJSON bool
	)
	command := &cobra.Command{
		Use:   "show DRILL",
		Short: "Show the report about a drill, or write it as Markdown or HTML",
		Long: `Show the report about a drill: its id, as drill history lists it, or latest. A report that nobody trusted
has signed is not shown.` +
			exitStatus("0  shown", "10 no repository, or no such drill", "12 no signer is trusted, or the report has no trusted signature"),
		Example: `  appbur drill show latest --repo ./mgmt.git
  appbur drill show latest --repo ./mgmt.git --form html > drill.html`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if asJSON {
				form = "json"
			}
			return drillShowRun(e, &o, args[0], form)
		},
	}
	o.addFlags(e, command)
	o.addTrustFlag(command)
	command.Flags().StringVar(&form, "form", "", "write the whole report in a `FORM`: md, html or json")
	jsonFlag(command, &asJSON)
	return command
}

func drillShowRun(e *env, o *repositoryOptions, name, form string) error {
	write, known := drillreport.For("." + form)
	if form != "" && !known {
		return &usageError{appbur.WithHint(fmt.Errorf("--form: %q is not known", form), "pass --form md, html or json")}
	}
	_, reports, rejected, err := o.drills(e)
	if err != nil {
		return err
	}
	for _, r := range reports {
		if r.ID != name && name != repository.Latest {
			continue
		}
		if form != "" {
			return write(e.Out, r.Report)
		}
		if err := e.printDrill(r.Report); err != nil {
			return err
		}
		fmt.Fprintf(e.Out, "run by         %s on %s, %s\nsigned by      %s\n", oneLine(r.By.User), oneLine(r.By.Host),
			oneLine(r.By.Trigger), r.SignedBy)
		return nil
	}

	for _, r := range rejected {
		if r.Name == name {
			return r.Err
		}
	}
	return &notFoundError{appbur.WithHint(fmt.Errorf("%w: %s", repository.ErrNoDrill, name), "`appbur drill history` lists those that there are")}
}

func newDrillCheck(e *env) *cobra.Command {
	var o repositoryOptions
	command := &cobra.Command{
		Use:   "check FILE",
		Short: "Check that a report in a file is as it was signed",
		Long: `Check that a report that --report wrote is as it was signed, by the signature in FILE.sig and the signers that
this machine trusts. Stock OpenSSH does the same: ssh-keygen -Y verify -n git -f allowed_signers -I SIGNER -s FILE.sig < FILE` +
			exitStatus("0  the signature is good", "10 no such file", "12 it is not, or there is none, or no signer is trusted"),
		Example: `  appbur drill check drill.html --repo ./mgmt.git
  appbur drill check drill.html --trust allowed_signers`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return drillCheckRun(e, &o, args[0]) },
	}
	o.addFlags(e, command)
	o.addTrustFlag(command)
	return command
}

func drillCheckRun(e *env, o *repositoryOptions, file string) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return &notFoundError{appbur.WithHint(err, "name a file that --report wrote")}
	}
	if err != nil {
		return err
	}
	signature, err := os.ReadFile(file + signatureSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return appbur.WithHint(fmt.Errorf("%w: %s: %w", repository.ErrUntrusted, file, errNotSigned),
			"keep FILE"+signatureSuffix+" with the file")
	}
	if err != nil {
		return err
	}
	trusted, err := o.believed(e)
	if err != nil {
		return err
	}
	signers, err := seal.ParseAllowedSigners(trusted)
	if err != nil {
		return err
	}
	who, err := signers.Verify(text, bytes.TrimSpace(signature), e.now())
	if err != nil {
		return appbur.WithHint(fmt.Errorf("%w: %s is not as it was signed: %w", repository.ErrUntrusted, file, err),
			"`appbur drill show` writes what was stored in the repository")
	}
	fmt.Fprintf(e.Out, "%s is as %s has signed it\n", oneLine(file), strings.TrimSpace(who))
	return nil
}

// believed are those whose signatures count: of --trust alone where no repository is named.
func (o *repositoryOptions) believed(e *env) ([]byte, error) {
	if o.repo == "" && o.trust != "" {
		return o.trustRoot(e, o.keys)
	}
	repo, err := o.open()
	if err != nil {
		return nil, err
	}
	keys, err := o.judgeKeys(e, repo)
	if err != nil {
		return nil, err
	}
	return o.trustRoot(e, keys)
}
