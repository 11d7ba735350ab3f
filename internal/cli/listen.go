package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/daemon"
	"github.com/appbur/appbur/internal/health"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/leader"
	"github.com/appbur/appbur/internal/metrics"
)

// listenFlag says where a daemon answers questions about itself. Its value comes with the configuration.
func listenFlag(command *cobra.Command) {
	command.Flags().String("listen", "",
		"serve /metrics, /livez and /readyz at this `ADDR`: a port is on loopback only, HOST:PORT is where it says (default: nowhere)")
}

// parseListen returns where to serve metrics, "" for nowhere.
func parseListen(address string) (string, error) {
	return parseAddress("the address to serve metrics at", "9420", address)
}

// parseAddress returns what to listen on, "" for nothing. Without a host it is loopback.
func parseAddress(what, example, address string) (string, error) {
	if address == "" {
		return "", nil
	}
	bad := func(why error) error {
		return &usageError{appbur.WithHint(fmt.Errorf("%s, %q: %w", what, address, why),
			fmt.Sprintf("write a port, such as %s, or HOST:PORT, such as 0.0.0.0:%s", example, example))}
	}
	text := address
	if !strings.Contains(text, ":") {
		text = ":" + text
	}

	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return "", bad(errors.New("this is no address"))
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", bad(fmt.Errorf("%q is no port", port))
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// observed is a daemon whose state can be asked for.
type observed struct {
	metrics *metrics.Metrics
	// status is nil while the daemon does not watch the cluster.
	status atomic.Pointer[daemon.Status]
	// elector is nil where nobody is elected.
	elector atomic.Pointer[leader.Elector]
	stop    func()
}

// begin is called when the daemon begins to watch the cluster, rest when it does not any more.
func (d *observed) begin() (status *daemon.Status, rest func()) {
	status = &daemon.Status{}
	d.status.Store(status)
	return status, func() { d.status.Store(nil) }
}

// current is how the daemon is.
func (d *observed) current() *daemon.Status {
	if status := d.status.Load(); status != nil {
		return status
	}
	return &daemon.Status{}
}

// listed returns what is missing of the first list. Who stands by lists nothing.
func (d *observed) listed() error {
	if d.elector.Load() != nil && d.status.Load() == nil {
		return nil
	}
	return d.current().Listed()
}

// reachesLease returns why the daemon can neither lead nor take over.
func (d *observed) reachesLease() error {
	if elector := d.elector.Load(); elector != nil {
		return elector.Reaches()
	}
	return nil
}

// observe measures a daemon that writes to a repository, and serves what it measures if that is asked for.
func observe(e *env, listen string, copied *workingCopy, trust string, log *slog.Logger) (*observed, error) {
	address, err := parseListen(listen)
	if err != nil {
		return nil, err
	}
	d := &observed{metrics: metrics.New(version, e.now), stop: func() {}}
	if address == "" {
		return d, nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serving metrics: %w", err)
	}
	log.Info("serving metrics", "address", listener.Addr().String())

	ctx, cancel := context.WithCancel(context.Background())
	server := &http.Server{
		Handler: d.handler(e, copied), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	var beside sync.WaitGroup
	beside.Go(func() {
		if repo, keys, there := copied.wait(ctx); there {
			d.metrics.Follow(ctx, repo, func() ([]byte, error) { return keyring.TrustRoot(keys.Dir, trust) }, log)
		}
	})
	beside.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("metrics are not served any more", "reason", err.Error())
		}
	})
	d.stop = func() {
		cancel()
		_ = server.Close()
		beside.Wait()
	}
	return d, nil
}

// diskLimit is how long a probe of the disk may take.
const diskLimit = 5 * time.Second

func (d *observed) handler(e *env, copied *workingCopy) http.Handler {
	ping := health.Check{Name: "ping", Run: func(context.Context) error { return nil }}
	loop := health.Check{Name: "loop", Run: func(context.Context) error { return d.current().Moves(e.now()) }}
	list := health.Check{Name: "list", Run: func(context.Context) error { return d.listed() }}
	lease := health.Check{Name: "lease", Run: func(context.Context) error { return d.reachesLease() }}
	disk := health.Within(diskLimit, health.Check{Name: "repository", Run: func(context.Context) error { return copied.Writable() }})

	mux := http.NewServeMux()
	mux.Handle("/metrics", d.metrics.Handler())
	for path, checks := range map[string][]health.Check{"/livez": {ping, loop}, "/readyz": {ping, list, lease, disk}} {
		handler := health.Handler(path, checks...)
		mux.Handle(path, handler)
		mux.Handle(path+"/", handler)
	}
	return mux
}
