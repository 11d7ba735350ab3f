package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur/pkg/manifest"
)

func newRules(e *env) *cobra.Command {
	var (
		o      repositoryOptions
		asJSON bool
	)
	command := &cobra.Command{
		Use:   "rules",
		Short: "Print the rules: which objects are left out, which fields go where, what is encrypted",
		Long: `Print the rules by which objects become manifests: which objects are left out,
which fields are dropped or kept in the index, what is encrypted, each with its
reason and its source. With --repo the rules that its appbur.yaml adds are
included. ` + "`appbur explain`" + ` says what they do to one object.` +
			exitStatus("0  printed", "1  the rules in appbur.yaml are wrong (the error names the line)", "10 no repository"),
		Example: `  appbur rules | less
  appbur rules --repo ./mgmt.git --json | jq '.rules[] | select(.effect == "exclude")'`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			rules, err := o.rules(e)
			if err != nil {
				return err
			}
			if asJSON {
				return e.printJSON(struct {
					Version string          `json:"rulesVersion"`
					Rules   []manifest.Rule `json:"rules"`
				}{rules.Version(), rules.List()})
			}
			_, err = fmt.Fprint(e.Out, rules.Render())
			return err
		},
	}

	o.addFlags(e, command)
	jsonFlag(command, &asJSON)
	return command
}
