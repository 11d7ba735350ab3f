package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/diagnosis"
	"github.com/appbur/appbur/internal/fleetcopies"
	"github.com/appbur/appbur/internal/fleetfile"
	"github.com/appbur/appbur/pkg/compat"
)

type fleetOptions struct {
	to          string
	greatestAge time.Duration
	grace       time.Duration
	patience    time.Duration
	parallel    int
	cache       string
	cacheSize   string
	json        bool

	// remotes are asked and copied for all clusters.
	remotes *fleetRemotes
}

func newFleet(e *env) *cobra.Command {
	o := &fleetOptions{}
	command := &cobra.Command{
		Use:   "fleet FILE",
		Short: "Say of many clusters whether they are backed up, and would restore",
		Long: `Say of each cluster in a list what ` + "`appbur status`" + ` says of one: how old its last good restore
point is, and what is wrong. FILE names the repository of each, a directory or the URL of a remote,
and whom to believe (docs/fleet.md). Many clusters may share a remote.

Copies of remotes are kept in --cache, so that only what is new is fetched the next time. They can be
deleted at any time.

With --to, the last good point of each is judged for a Kubernetes version, too, as
` + "`appbur compat cluster`" + ` does it.` +
			exitStatus("0  all is well", "3  a cluster is not well, or would not restore completely", "64 the command line or the file is wrong"),
		Example: `  appbur fleet fleet.yaml
  appbur fleet fleet.yaml --to 1.37 --max-age 26h
  appbur fleet fleet.yaml --json | jq -r '.clusters[] | select(.state != "ok") | .name'`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return fleetRun(cmd.Context(), e, o, args[0]) },
	}
	f := command.Flags()
	f.StringVar(&o.to, "to", "", "Kubernetes `VERSION` that the last good points are judged for, such as 1.37")
	f.DurationVar(&o.greatestAge, "max-age", 0,
		"a last good point may be this `LONG` old, such as 26h (default: what schedules say; maxAge in FILE counts before it)")
	f.DurationVar(&o.grace, "grace", 15*time.Minute, "how `LONG` a point, a commit or a push may take")
	f.DurationVar(&o.patience, "patience", 5*time.Minute, "how `LONG` one cluster may take")
	f.StringVar(&o.cache, "cache", "", "`DIR` in which copies of remotes are kept (default: appbur/fleet in the user's cache)")
	f.StringVar(&o.cacheSize, "cache-size", "10Gi", "how many `BYTES` the copies may have together, such as 500Mi; those used least recently go")
	f.IntVar(&o.parallel, "parallel", 4, "`NUMBER` of clusters that are looked at at a time")
	jsonFlag(command, &o.json)
	headersFlag(e, command)
	return command
}

// fleetAnswer is what `fleet --json` prints (docs/json.md).
type fleetAnswer struct {
	State    diagnosis.State `json:"state"`
	At       time.Time       `json:"at"`
	To       string          `json:"to,omitempty"`
	Clusters []fleetCluster  `json:"clusters"`
}

type fleetCluster struct {
	Name       string          `json:"name"`
	Repository string          `json:"repository"`
	State      diagnosis.State `json:"state"`
	// Error is why nothing is known of it, Hint what to do.
	Error         string     `json:"error,omitempty"`
	Hint          string     `json:"hint,omitempty"`
	Kubernetes    string     `json:"kubernetes,omitempty"`
	LastGoodPoint *goodPoint `json:"lastGoodPoint,omitempty"`
	// Wrong are the checks that are not ok.
	Wrong []statusCheck `json:"wrong"`
	// Copy says how the copy of a remote was come by: unchanged, fetched or cloned.
	Copy fleetcopies.How `json:"copy,omitempty"`
	// Judged counts the objects of the last good point by what becomes of them, with --to.
	Judged map[compat.VerdictKind]int `json:"judged,omitempty"`
}

func fleetRun(ctx context.Context, e *env, o *fleetOptions, file string) error {
	clusters, version, err := o.read(file)
	if err != nil {
		return err
	}

	done, err := o.openCache(e)
	if err != nil {
		return err
	}
	answer := fleetAnswer{State: diagnosis.OK, At: e.now().UTC().Truncate(time.Second), To: o.to}
	answer.Clusters = o.lookAtAll(ctx, e, o.expand(ctx, clusters), version)
	if err := errors.Join(ctx.Err(), done()); err != nil {
		return err
	}

	wrong := 0
	for _, c := range answer.Clusters {
		if c.State != diagnosis.OK {
			wrong++
			answer.State = diagnosis.Worse(answer.State, c.State)
		}
	}
	if o.json {
		err = e.printJSON(answer)
	} else {
		e.printFleet(answer, wrong)
	}
	if err == nil && wrong > 0 {
		return errPartly
	}
	return err
}

// lookAtAll says how each cluster is, some at a time.
func (o *fleetOptions) lookAtAll(ctx context.Context, e *env, entries []fleetEntry, version appbur.KubeVersion) []fleetCluster {
	answers := make([]fleetCluster, len(entries))
	bar := e.bar("looking at the clusters", "clusters")
	quiet := e.quiet()
	var group errgroup.Group
	group.SetLimit(o.parallel)
	for i, entry := range entries {
		group.Go(func() error {
			answers[i] = o.look(ctx, quiet, entry, version)
			bar.change(func() { bar.done, bar.task.Total = bar.done+1, int64(len(entries)) })
			return nil
		})
	}
	_ = group.Wait() // what failed is in the answers
	bar.finish()
	return answers
}

// read reads the list, and the version that is asked for.
func (o *fleetOptions) read(file string) (clusters []fleetfile.Cluster, version appbur.KubeVersion, err error) {
	if o.grace < 0 || o.greatestAge < 0 || o.patience <= 0 || o.parallel < 1 {
		return nil, version, &usageError{appbur.WithHint(errors.New("a time or a number that cannot be"),
			"--grace and --max-age are such as 15m, --patience is more than 0s, --parallel at least 1")}
	}
	if o.to != "" {
		if version, err = appbur.ParseKubeVersion(o.to); err != nil {
			return nil, version, &usageError{appbur.WithHint(fmt.Errorf("--to: %w", err), "name a release of Kubernetes, as in --to 1.37")}
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, version, &usageError{appbur.WithHint(err, "name the file with the list of clusters (docs/fleet.md)")}
	}
	if clusters, err = fleetfile.Parse(text, filepath.Dir(file)); err != nil {
		return nil, version, &usageError{appbur.WithHint(fmt.Errorf("%s: %w", file, err), "docs/fleet.md says what is in it")}
	}
	return clusters, version, nil
}

// quiet is for work of which several go on at a time: it tells nothing on the way.
func (e *env) quiet() *env {
	streams := *e.Streams
	streams.Err, streams.ErrTerminal = io.Discard, false
	own := *e
	own.Streams, own.silent, own.collect = &streams, true, nil
	return &own
}
