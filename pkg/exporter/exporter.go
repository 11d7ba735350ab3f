package exporter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// Options tune an [Exporter]. The zero value is good.
type Options struct {
	// PageSize is the largest number of objects in a page of a list; 0 means 500.
	// Large objects are read in smaller pages of about 2 MiB.
	PageSize int64
	// Parallel is how many types are listed at the same time; 0 means 8.
	Parallel int
	// Timeout bounds one request, watches excepted; 0 means two minutes.
	Timeout time.Duration
	// Tries is how often a request is made, with growing delays, until an overloaded
	// or broken server counts as one that does not answer; 0 means 6.
	Tries int
	// Now is the clock; nil means [time.Now]. It only measures how long things took.
	Now func() time.Time
	// Log receives what is worth knowing and is no result; nil discards it.
	Log *slog.Logger
	// Connection hears what becomes of the connection to the API server while Watch runs; it may be nil.
	Connection Connection
	// Rewound hears that the API server may have another store than before, before anything of it is read: it has gone back in
	// time, or the server was away for long enough. Versions may be given out again. It returns at once, and may be nil.
	Rewound func()
	// Rediscover is how often Watch looks for new types without an event; 0 means
	// five minutes. Changes of CustomResourceDefinitions and APIServices trigger it at once.
	Rediscover time.Duration
	// Relist is how often Watch lists each type again although its watch goes on, so
	// that a change without an event is noticed; 0 means fifteen minutes.
	Relist time.Duration
	// Attend is how often Watch looks whether the same cluster answers and its store has
	// not gone back in time; 0 means half a minute.
	Attend time.Duration
	// Silence is how long a watch may stay without an event or a bookmark before it
	// counts as dead; 0 means three minutes. API servers send a bookmark each minute.
	Silence time.Duration
}

// Exporter reads one cluster. It is safe for concurrent use.
type Exporter struct {
	client    rest.Interface
	discovery *discovery.DiscoveryClient
	rules     *manifest.Rules
	options   Options
	timing    timing
	warnings  *warnings
	// makers is how many objects are made into manifests at the same time.
	makers int
	// lossyLogged are the kinds for which the log has that no version has all fields.
	lossyLogged sync.Map
}

// New returns an exporter of the cluster that cfg leads to. cfg is not modified and
// no request is made yet.
func New(cfg *rest.Config, rules *manifest.Rules, opts Options) (*Exporter, error) {
	if cfg == nil || rules == nil {
		return nil, errors.New("exporter: there is no client configuration or no rules")
	}
	if opts.PageSize <= 0 {
		opts.PageSize = 500
	}
	if opts.Parallel <= 0 {
		opts.Parallel = 8
	}

	if opts.Timeout <= 0 {
		opts.Timeout = 2 * time.Minute
	}
	if opts.Now == nil {
		opts.Now = time.Now //nolint:forbidigo // the default of a parameter, which only measures how long things took
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}

	if opts.Rediscover <= 0 {
		opts.Rediscover = 5 * time.Minute
	}
	if opts.Relist <= 0 {
		opts.Relist = 15 * time.Minute
	}
	if opts.Attend <= 0 {
		opts.Attend = 30 * time.Second
	}

	if opts.Silence <= 0 {
		opts.Silence = 3 * time.Minute
	}
	e := &Exporter{rules: rules, options: opts, timing: usualTiming, warnings: newWarnings(), makers: runtime.GOMAXPROCS(0)}
	if opts.Tries > 0 {
		e.timing.request.Tries = opts.Tries
	}
	var err error
	if e.client, e.discovery, err = newClients(cfg, e.warnings); err != nil {
		return nil, fmt.Errorf("exporter: %w", explain(err))
	}
	return e, nil
}

// Cluster identifies the cluster by the uid of its namespace kube-system and by the
// version of its API server. Errors carry a hint; see [ErrUnreachable].
func (e *Exporter) Cluster(ctx context.Context) (appbur.Cluster, error) {
	version, err := e.kubernetes(ctx)
	if err != nil {
		return appbur.Cluster{}, err
	}
	var namespace struct {
		Metadata struct {
			UID string `json:"uid"`
		} `json:"metadata"`
	}
	if err := e.getJSON(ctx, "/api/v1/namespaces/kube-system", &namespace); err != nil {
		return appbur.Cluster{}, fmt.Errorf("identifying the cluster by namespace kube-system: %w", err)
	}
	if namespace.Metadata.UID == "" {
		return appbur.Cluster{}, errors.New("identifying the cluster: namespace kube-system has no uid")
	}
	return appbur.Cluster{ID: namespace.Metadata.UID, Version: *version}, nil
}

// kubernetes reads the release of the API server.
func (e *Exporter) kubernetes(ctx context.Context) (*appbur.KubeVersion, error) {
	var info struct {
		GitVersion string `json:"gitVersion"`
	}
	if err := e.getJSON(ctx, "/version", &info); err != nil {
		return nil, fmt.Errorf("reading the version of the API server: %w", err)
	}
	version, err := appbur.ParseKubeVersion(info.GitVersion)
	if err != nil {
		return nil, fmt.Errorf("the API server has no usable version: %w", err)
	}
	return &version, nil
}

// get begins a request that is tried once; retry and its callers decide what comes
// next.
func (e *Exporter) get(segments ...string) *rest.Request {
	return e.client.Get().AbsPath(segments...).Timeout(e.options.Timeout).MaxRetries(0)
}

func (e *Exporter) getJSON(ctx context.Context, path string, target any) error {
	var data []byte
	err := retry(ctx, e.timing.first(), func(ctx context.Context) error {
		var err error
		data, err = body(e.get(path).SetHeader("Accept", "application/json").Do(ctx))
		return err
	})
	if err != nil {
		return explain(err)
	}
	if err := json.Unmarshal(data, target); err != nil {
		return appbur.WithHint(fmt.Errorf("the answer to %s cannot be read: %w", path, err),
			"check that the server address in the kubeconfig is that of a Kubernetes API server")
	}
	return nil
}
