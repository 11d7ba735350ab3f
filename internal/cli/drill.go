package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur/internal/drillfile"
)

// drillOptions say what is restored in a drill, into what, and what is asked afterwards.
type drillOptions struct {
	restore restoreOptions
	target  drillTarget
	file    string
	// commands are applications with a command, as the command line has them.
	commands []string
	reports  []string
	noStore  bool
	noPush   bool
	json     bool
	// trigger says what started the drill.
	trigger string
}

// drillTarget says what a drill restores into: a cluster that is given, or one that it starts.
type drillTarget struct {
	kubernetes string
	servers    serverOptions
	occupied   bool
}

// byHand is the trigger of a drill that a person starts.
const byHand = "by hand"

func newDrill(e *env) *cobra.Command {
	o := &drillOptions{trigger: byHand}
	command := &cobra.Command{
		Use:   "drill POINT",
		Short: "Restore a point into a throwaway cluster, check it, and keep a signed report",
		Long: `Prove that a restore point can be restored: restore it into a throwaway cluster, import the state
of its applications into instances that are started for it, compare everything with what was saved,
ask checks of your own, and measure how long a recovery takes, phase by phase.

With --kubernetes it starts a control plane of that version itself: etcd, kube-apiserver and
kube-controller-manager, which are looked for in --servers, in KUBEBUILDER_ASSETS, and where
` + "`make servers`" + ` and setup-envtest put them. There are no nodes, so no pod runs. When the drill is over,
or appbur is killed, nothing of it is left.

With --kubeconfig or --context it restores into a cluster that is there. That one has to be empty,
or --occupied says that it may have something, and it is never the cluster that the point, or the
history, is of. What was restored stays there.

Applications are started by commands that --drill names. What controllers act on stays paused in
either case: a drill moves nothing outside of its target.

The report is signed and kept in the repository beside the restore point, pushed to its remotes, and
fetched by its clones. --report writes it to files for others to keep, with a signature beside each;
` + "`appbur drill history`" + ` and ` + "`appbur drill show`" + ` read what is kept.` +
			exitStatus("0  the drill passed", "5  the history was rewritten (docs/trust.md)", "10 no repository, or no such point",
				"12 a key, a login or a signature was refused, or the account lacks rights",
				"20 blocked objects and no --allow-blocked, or an application that cannot read what was saved",
				"27 the drill failed: what was restored is not what was saved, or a check says that it does not work",
				"64 no target, or one that must not be restored into", "130 cancelled; nothing is left of it"),
		Example: `  appbur drill latest --repo ./mgmt.git --kubernetes 1.37
  appbur drill latest --repo ./mgmt.git --kubernetes 1.37 --drill drill.yaml --report drill.html
  appbur drill latest --repo ./mgmt.git --kubernetes 1.37 --app-command 'fleet-system/fleet=fleet-v2 --db {dir}/db --contract {address}'
  appbur drill latest --repo ./mgmt.git --kubeconfig empty.yaml --find-apps`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.restore.point = args[0]
			return drillRun(cmd.Context(), e, o)
		},
	}
	command.AddCommand(newDrillHistory(e), newDrillShow(e), newDrillCheck(e))
	o.addFlags(e, command)
	return command
}

func (o *drillOptions) addFlags(e *env, command *cobra.Command) {
	flags := command.Flags()
	flags.StringVar(&o.target.kubernetes, "kubernetes", "",
		"start a throwaway control plane of this `VERSION`: 1.37 for the newest release of it that is there, or 1.37.1")
	o.target.servers.addFlags(command)
	flags.StringVar(&o.restore.kubeconfig, "kubeconfig", "", "restore into the cluster of this kubeconfig `FILE` instead")
	flags.StringVar(&o.restore.context, "context", "", "restore into the cluster of this kubeconfig context (`NAME`) instead")
	flags.BoolVar(&o.target.occupied, "occupied", false, "restore into the given cluster although it is not empty")
	flags.StringVar(&o.file, "drill", "", "YAML `FILE` with commands that start applications, and checks (docs/drill.md)")
	flags.StringArrayVar(&o.commands, "app-command", nil,
		"`NAMESPACE/NAME=COMMAND` that starts an instance of an application: words with spaces between them; {address}, {dir}, {port:NAME} "+
			"and {kubeconfig} are put in; repeatable")

	o.restore.repositoryOptions.addFlags(e, command)
	o.restore.addReadFlags(e, command)
	o.restore.addHistoryFlags(e, command)
	o.restore.appOptions.addFlags(command, "that runs already, and whose state is replaced by what was saved")
	o.restore.finding.addFlags(command)
	o.restore.appOrder.addFlags(command)
	addAppWaitFlag(command, &o.restore.appWait)
	o.restore.partOptions.addFlags(command)
	o.restore.rewrites.addFlags(command)
	flags.BoolVar(&o.restore.policy.AllowBlocked, "allow-blocked", false, "go on without objects that the target cannot take")

	flags.StringArrayVar(&o.reports, "report", nil,
		"write the report to a `FILE` as well: Markdown (.md), one HTML page (.html) or JSON (.json), with its signature in FILE.sig; repeatable")
	flags.BoolVar(&o.noStore, "no-store", false, "do not keep the report in the repository, for a copy without the signing key")
	noPushFlag(command, &o.noPush)
	jsonFlag(command, &o.json)
	headersFlag(e, command)
}

// stopGrace is how long an application may take to end in order.
const stopGrace = 3 * time.Second

// declared reads what is to be started and asked.
func (o *drillOptions) declared() (drillfile.File, error) {
	file, err := readDrillFile(o.file)
	if err != nil {
		return file, err
	}
	return addAppCommands(file, o.commands)
}
