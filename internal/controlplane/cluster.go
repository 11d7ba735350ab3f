//go:build unix

package controlplane

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/controlplane/binaries"
)

const (
	// startTimeout bounds one start where the context does not: ten times what
	// a quiet machine needs, because machines are not quiet.
	startTimeout = 2 * time.Minute
	// stopGrace is what a single server gets to end in order. An API server
	// waits for its watches for a minute, which nobody should here.
	stopGrace = 2 * time.Second
	// startTries is how often Start tries when somebody took its port.
	startTries = 3
)

// Options say which cluster to start.
type Options struct {
	// Version is the release to run.
	Version appbur.KubeVersion
	// Binaries are its programs. Without a controller-manager there are no
	// controllers.
	Binaries binaries.Binaries
	// Dir is the directory in which the cluster makes its own; empty means the
	// system's temporary directory.
	Dir string
	// Address is where the API server listens and where pods find it; empty means
	// loopback, for clusters without nodes. An address of nodes makes the Service
	// kubernetes in namespace default lead to it.
	Address string
	// Services is the range of ClusterIPs, of which the first leads to the API server. It is not empty where nodes of
	// several clusters are on one machine, and in the network of each other.
	Services netip.Prefix
	// APIServerArgs and ControllerManagerArgs are appended to the arguments.
	APIServerArgs         []string
	ControllerManagerArgs []string
	// Users are more users, without any rights; [Cluster.RESTConfigOf] is one's configuration.
	Users []string
}

// Cluster is a running control plane.
type Cluster struct {
	// Version is what the API server says it is.
	Version appbur.KubeVersion
	// Dir holds the data, the credentials and the logs of this cluster.
	Dir string
	// Kubeconfig is the path of the administrator's kubeconfig.
	Kubeconfig string

	options           Options
	creds             credentials
	etcdPort, apiPort int

	mu                sync.Mutex // guards what follows
	etcd              *process
	apiServer         *process
	controllerManager *process
	stopped           bool
}

// Start runs a cluster and returns when it is ready. The context bounds the
// start only; the cluster runs until [Cluster.Stop]. When the start fails,
// nothing runs any more, the error holds the end of the logs, and the logs are
// kept.
func Start(ctx context.Context, options Options) (*Cluster, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	sweep(options.Dir)
	if options.Address == "" {
		options.Address = loopback
	}
	if !options.Services.IsValid() {
		options.Services = serviceRange
	}

	for try := 1; ; try++ {
		c, err := start(ctx, options)
		if err == nil {
			return c, nil
		}
		if c == nil {
			return nil, fmt.Errorf("start Kubernetes %s: %w", options.Version, err)
		}
		tails := c.LogTails()
		c.halt()
		if try < startTries && ctx.Err() == nil && strings.Contains(tails, "address already in use") {
			_ = os.RemoveAll(c.Dir)
			continue
		}
		c.keepDir()
		return nil, fmt.Errorf("start Kubernetes %s: %w\n%s", options.Version, err, tails)
	}
}

// start makes one attempt. A cluster that it returns together with an error has
// processes to stop.
func start(ctx context.Context, options Options) (*Cluster, error) {
	dir, err := claimDir(options)
	if err != nil {
		return nil, err
	}
	c := &Cluster{Version: options.Version, Dir: dir, options: options}
	if c.etcdPort, err = FreePort(); err != nil {
		return c, err
	}

	for c.apiPort = c.etcdPort; c.apiPort == c.etcdPort; {
		if c.apiPort, err = FreePort(); err != nil {
			return c, err
		}
	}

	if c.creds, err = newCredentials(dir, []net.IP{net.ParseIP(options.Address), c.serviceIP()}, now()); err != nil {
		return c, err
	}
	if err := c.creds.addUsers(options.Users); err != nil {
		return c, err
	}
	c.Kubeconfig = c.creds.path(kubeconfigFile)
	if err := c.creds.writeKubeconfig("kubernetes-"+options.Version.String(), c.server()); err != nil {
		return c, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.etcd, err = startProcess(dir, "etcd", options.Binaries.Etcd, c.etcdArgs()...); err != nil {
		return c, err
	}

	// The API server waits for etcd by itself.
	if err := c.startAPIServer(ctx); err != nil {
		return c, err
	}
	if err := c.checkVersion(ctx); err != nil {
		return c, err
	}
	if err := c.startControllerManager(ctx); err != nil {
		return c, err
	}
	return c, nil
}

// RESTConfig returns the administrator's configuration for client-go, without
// its rate limit. To act as somebody else, set Impersonate.
func (c *Cluster) RESTConfig() *rest.Config {
	return &rest.Config{
		Host:            c.server(),
		BearerToken:     c.creds.token,
		TLSClientConfig: rest.TLSClientConfig{CAData: c.creds.ca},
		QPS:             -1,
	}
}

// RESTConfigOf returns the configuration of one of [Options].Users.
func (c *Cluster) RESTConfigOf(user string) *rest.Config {
	config := c.RESTConfig()
	config.BearerToken = c.creds.tokenOf(user)
	return config
}

// HasControllers reports whether a controller-manager belongs to the cluster.
func (c *Cluster) HasControllers() bool { return c.options.Binaries.ControllerManager != "" }

// Server is the URL of the API server.
func (c *Cluster) Server() string { return c.server() }

// now is the machine's own clock: the servers check certificates by no other.
func now() time.Time { return time.Now() } //nolint:forbidigo // see above

// Stop ends all processes and removes the directory. It may be called twice.
func (c *Cluster) Stop() error {
	c.halt()
	if err := os.RemoveAll(c.Dir); err != nil {
		return fmt.Errorf("remove the cluster's directory: %w", err)
	}
	return nil
}

// StopAndKeep ends all processes and leaves the logs and the credentials for
// inspection.
func (c *Cluster) StopAndKeep() {
	c.halt()
	c.keepDir()
}

// halt kills all servers, clients first, so that none is seen failing because
// of another. Nothing is worth an orderly end.
func (c *Cluster) halt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	c.controllerManager.stop(0)
	c.apiServer.stop(0)
	c.etcd.stop(0)
}

// errStopped refuses to start parts of a cluster that was stopped.
var errStopped = errors.New("the cluster was stopped")
