package cli

import (
	"strings"

	"github.com/appbur/appbur/internal/diagnosis"
)

// advice is what to do for each reason, in terms of commands; % stands for what the reason is about. docs/run.md says
// more for what an alert pages for.
var advice = map[diagnosis.Reason]string{
	diagnosis.NoPoint:             "make one now: appbur backup, and look at what it says",
	diagnosis.PointTooOld:         "see why in the log of appbur run, and make one now: appbur backup",
	diagnosis.PointOfTheFuture:    "set the clock of the machine that made it, then make another one: appbur backup",
	diagnosis.PointIncomplete:     "appbur points show % says what it lacks and why",
	diagnosis.NotReplicated:       "see which remote lacks it below, then: appbur remotes push",
	diagnosis.NoRemotes:           "have a copy elsewhere: appbur remotes add NAME URL",
	diagnosis.ScheduleLate:        "see why in the log of appbur run, and make a point now: appbur backup",
	diagnosis.ScheduleQuiet:       "ask the daemon whether anything has changed: --daemon ADDR",
	diagnosis.ScheduleNever:       "is appbur run running with this configuration? It makes the first point at once",
	diagnosis.CommitsWait:         "see why in the log of appbur run: a guard, a full disk, or another writer",
	diagnosis.RemoteBehind:        "the next push sends it; now: appbur remotes push %",
	diagnosis.RemoteFails:         "appbur remotes list says what to do; then: appbur remotes push %",
	diagnosis.PointsRejected:      "appbur points list says why; appbur repo check looks at everything",
	diagnosis.SignaturesUnchecked: "name whom to believe: --trust FILE or --keys DIR, or bind the copy: appbur trust set",
	diagnosis.KindsUnreadable:     "give the daemon the right to read them: appbur rbac; or mend their API server",
	diagnosis.KeyExposed:          "chmod 600 %",
	diagnosis.DaemonUnreachable:   "is appbur run running, and does it serve there? Start it, or name another --daemon",
	diagnosis.DaemonStuck:         "restart it, and keep its log",
	diagnosis.DaemonNotReady:      "wait if it has just started; else see its log",
	diagnosis.AuditSilent:         "see why in the logs of the API servers and of appbur run: docs/run.md#appburauditsilent",
	diagnosis.AuditNever:          "have the API servers send them, and look at what their logs say: docs/who.md",
	diagnosis.ClusterAway:         "check the address in the kubeconfig and the API server; commits go on by themselves when it is back",
	diagnosis.OtherCluster:        "check the kubeconfig and --repo: they are of different clusters",
}

// adviceFor is what to do, "" where there is nothing.
func adviceFor(c diagnosis.Check) string { return strings.ReplaceAll(advice[c.Reason], "%", c.About) }
