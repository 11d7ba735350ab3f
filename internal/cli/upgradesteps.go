package cli

import (
	"fmt"
	"strings"

	"github.com/appbur/appbur/internal/upgrade"
	"github.com/appbur/appbur/pkg/compat"
)

// upgradeStep is a step of an upgrade before it is about a cluster.
type upgradeStep struct {
	id, title string
	// when reports whether the step is needed; nil is always.
	when func(upgrade.Plan) bool
	// do, commands, proves and again are texts in which {to}, {repo}, {old} and {new} stand for what they say, {apps} and {newapps}
	// for the flags of applications, {rules} for that of pauses.
	do       string
	commands []string
	proves   string
	again    string
}

func hasActing(p upgrade.Plan) bool { return len(p.Facts.Acting) > 0 }

func isBlocked(p upgrade.Plan) bool {
	return len(p.Obstacles) > 0 || p.Facts.Counts[compat.Blocked]+p.Facts.Counts[compat.Refused] > 0
}

// upgradeSteps lead from one cluster to the other. Until "release" the old cluster is as it was but for the pause, and the way
// back is one command.
var upgradeSteps = []upgradeStep{
	{
		id: "clear", title: "Clear what is in the way", when: isBlocked,
		do: "Change in the old cluster what this plan lists as in the way; save it, and plan again. What you would rather do " +
			"without is left out with --allow-blocked in the step restore.",
		commands: []string{"appbur backup --repo {repo} --kubeconfig {old}{apps}", "appbur compat cluster latest --to {to} --repo {repo}"},
		proves:   "exit code 0: nothing of the restore point is blocked or refused by Kubernetes {to}",
		again:    "nothing but the old cluster was changed: begin again",
	},
	{
		id: "rehearse", title: "Rehearse it",
		do: "Restore the newest point into a control plane that is thrown away afterwards, and the state of the applications " +
			"into new versions that nobody uses yet. The report, which is kept, says how long the upgrade will take.",
		commands: []string{"appbur drill latest --kubernetes {to} --repo {repo}{newapps}"},
		proves:   "exit code 0: the objects, and the state of the applications, come out as they were saved",
		again:    "nothing of it stays: run it again",
	},
	{
		id: "build", title: "Make the new cluster",
		do: "Make a cluster with Kubernetes {to} and what its nodes need, and nothing else. {new} is its kubeconfig. Put the " +
			"new versions of operators and applications where the restored manifests will find them.",
		commands: []string{"appbur plan latest --kubeconfig {new} --repo {repo}{rules}"},
		proves:   "exit code 0: it is the cluster that is meant, it takes everything, and the account has the rights",
		again:    "the plan changes nothing: run it again",
	},
	{
		id: "freeze", title: "Stop who changes the old cluster",
		do: "From here on nobody changes the old cluster: pipelines, Git repositories that are applied, people. Applications " +
			"may serve, if what they write until the end is not missed.",
		proves: "the steps save and compare, which show what still changes",
		again:  "nothing to do",
	},
	{
		id: "pause", title: "Pause the controllers of the old cluster", when: hasActing,
		do: "Two clusters that act on the same machines, repositories and names undo each other's work. What was there before " +
			"is remembered at the objects.",
		commands: []string{"appbur pause --kubeconfig {old}{rules}", "appbur pause --kubeconfig {old}{rules} --dry-run"},
		proves:   "the second command says that nothing acts that is not paused",
		again:    "run it again; the way back is `appbur activate --kubeconfig {old}`",
	},
	{
		id: "save", title: "Save it for the last time",
		do:       "This is the restore point that the new cluster is made of. The objects that were paused are in it as they were before.",
		commands: []string{"appbur backup --repo {repo} --kubeconfig {old}{apps} --durability pushed"},
		proves:   "exit code 0: the point is complete and signed, and the remotes that are required have it",
		again:    "run it again: an interrupted point does not exist",
	},
	{
		id: "compare", title: "Compare it with the old cluster",
		do:       "Whatever has changed since would not be in the new cluster.",
		commands: []string{"appbur verify latest --kubeconfig {old} --repo {repo}{apps}{rules}"},
		proves:   "exit code 0: the old cluster is what was saved",
		again:    "with exit code 4 something still changes it: stop that, and go back to save",
	},
	{
		id: "restore", title: "Restore it into the new cluster",
		do:       "What controllers act on stays paused until the step release.",
		commands: []string{"appbur restore latest --kubeconfig {new} --repo {repo}{newapps}{rules} --activate later"},
		proves:   "exit code 0: each object is applied, and each application took its state and gave it back equal",
		again:    "run it again: it goes on where it ended, and writes nothing twice",
	},
	{
		id: "verify", title: "Verify the new cluster",
		do:       "Look at it before anything acts.",
		commands: []string{"appbur verify latest --kubeconfig {new} --repo {repo}{newapps}{rules}"},
		proves:   "exit code 0: the new cluster is what was saved, but for what the plan converts",
		again:    "it changes nothing: run it again",
	},
	{
		id: "release", title: "Release the controllers of the new cluster", when: hasActing,
		do: "From here on the new cluster acts, and the old one must not: going back would mean to pause the new one, and to " +
			"save and restore it the other way.",
		commands: []string{"appbur activate --kubeconfig {new} --dry-run", "appbur activate --kubeconfig {new}"},
		proves:   "exit code 0: nothing is paused any more, and each stage was ready before the next one",
		again:    "run it again: it goes on with what is paused",
	},
	{
		id: "serve", title: "Let the new cluster serve",
		do:     "Move names, addresses and accounts that lead to the old cluster: DNS, load balancers, kubeconfigs, webhooks of others.",
		proves: "your own monitoring",
		again:  "nothing to do",
	},
	{
		id: "adopt", title: "Back up the new cluster",
		do: "The history goes on with the new cluster, which is recorded in it. A daemon that was restored has written nothing " +
			"so far: set `guards.adoptCluster` in its settings until its first commit (docs/install.md).",
		commands: []string{"appbur backup --repo {repo} --kubeconfig {new}{newapps} --adopt-cluster", "appbur status --repo {repo}"},
		proves:   "exit code 0: the newest restore point is of the new cluster",
		again:    "run it again",
	},
	{
		id: "retire", title: "Retire the old cluster",
		do:     "Keep it paused for as long as you want to be able to look at it, then delete it. Its restore points stay.",
		proves: "nothing refers to it any more",
		again:  "nothing to do",
	},
}

// upgradeNames stand in the commands of a plan: the repository, the kubeconfigs of both clusters, and a file with rules of
// pauses, "" for none.
type upgradeNames struct{ repository, older, newer, pauseRules string }

// stepsOf are the steps of an upgrade. One that is about something which is not there is left out.
func stepsOf(p upgrade.Plan, names upgradeNames) []upgrade.Step {
	rules := ""
	if names.pauseRules != "" {
		rules = " --pause-rules " + shellWord(names.pauseRules)
	}
	fill := strings.NewReplacer("{rules}", rules, "{to}", p.Facts.To.MinorString(), "{repo}", shellWord(names.repository),
		"{old}", shellWord(names.older), "{new}", shellWord(names.newer),
		"{newapps}", appFlags(p.Facts.Apps, true), "{apps}", appFlags(p.Facts.Apps, false)).Replace

	steps := []upgrade.Step{}
	for _, s := range upgradeSteps {
		if s.when != nil && !s.when(p) {
			continue
		}
		step := upgrade.Step{ID: s.id, Title: s.title, Do: fill(s.do), Commands: []string{}, Proves: fill(s.proves), Again: fill(s.again)}
		for _, command := range s.commands {
			step.Commands = append(step.Commands, fill(command))
		}
		steps = append(steps, step)
	}
	return steps
}

// appFlags name the applications: the new ones where they answer now, the others where only their user knows.
func appFlags(apps []upgrade.App, newer bool) string {
	var b strings.Builder
	for _, app := range apps {
		address := "ADDRESS"
		if newer && app.Address != "" {
			address = app.Address
		}
		fmt.Fprintf(&b, " --app %s", shellWord(app.Application.String()+"="+address))
	}
	return b.String()
}

// unquotedInShell are the characters that a shell takes as they are.
const unquotedInShell = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-"

// shellWord is a word of a POSIX shell (Shell Command Language, 2.2.2 Single-Quotes).
func shellWord(word string) string {
	if word != "" && strings.Trim(word, unquotedInShell) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
