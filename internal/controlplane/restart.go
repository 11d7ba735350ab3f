//go:build unix

package controlplane

import (
	"context"
	"fmt"
	"time"
)

// StopAPIServer ends the API server alone: open watches drop and new requests
// are refused, until [Cluster.StartAPIServer].
func (c *Cluster) StopAPIServer() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.apiServer.stop(stopGrace)
}

// KillAPIServer kills the API server alone, as a crash does, until [Cluster.StartAPIServer].
func (c *Cluster) KillAPIServer() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.apiServer.stop(0)
}

// StartAPIServer starts the API server again on the same port and returns when
// it is ready.
func (c *Cluster) StartAPIServer(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.startAPIServer(ctx); err != nil {
		return fmt.Errorf("start the API server again: %w", err)
	}
	return nil
}

// KillEtcd kills etcd, as a crash does, until [Cluster.StartEtcd]. The API server stays and cannot answer.
func (c *Cluster) KillEtcd() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.etcd.stop(0)
}

// StartEtcd starts etcd again with what it had, and returns when the API server is ready.
func (c *Cluster) StartEtcd(ctx context.Context) (err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return errStopped
	}
	if !running(c.etcd) {
		if c.etcd, err = startProcess(c.Dir, "etcd", c.options.Binaries.Etcd, c.etcdArgs()...); err != nil {
			return fmt.Errorf("start etcd again: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return c.awaitReady(ctx)
}

// StopControllerManager ends the controllers alone, the garbage collector among
// them: objects then stay as they are written.
func (c *Cluster) StopControllerManager() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.controllerManager.stop(stopGrace)
}

// StartControllerManager starts the controllers again and returns when those
// that make ServiceAccounts and kube-root-ca.crt have done so.
func (c *Cluster) StartControllerManager(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.startControllerManager(ctx); err != nil {
		return fmt.Errorf("start the controller-manager again: %w", err)
	}
	return nil
}

// running reports whether a server was started and has not ended.
func running(p *process) bool { return p != nil && p.exited() == nil }

func (c *Cluster) startAPIServer(ctx context.Context) (err error) {
	if c.stopped {
		return errStopped
	}
	if running(c.apiServer) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if c.apiServer, err = startProcess(c.Dir, "kube-apiserver", c.options.Binaries.APIServer, c.apiServerArgs()...); err != nil {
		return err
	}
	return c.awaitReady(ctx)
}

// awaitReady waits until the API server says that it is ready.
func (c *Cluster) awaitReady(ctx context.Context) error {
	return await(ctx, "the API server", []*process{c.etcd, c.apiServer}, func(ctx context.Context) error {
		_, err := c.get(ctx, "/readyz")
		return err
	})
}

func (c *Cluster) startControllerManager(ctx context.Context) (err error) {
	if c.stopped {
		return errStopped
	}
	if !c.HasControllers() || running(c.controllerManager) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	binary := c.options.Binaries.ControllerManager
	if c.controllerManager, err = startProcess(c.Dir, "kube-controller-manager", binary, c.controllerManagerArgs()...); err != nil {
		return err
	}

	servers := []*process{c.etcd, c.apiServer, c.controllerManager}
	for _, path := range defaultObjects {
		if err := await(ctx, path, servers, func(ctx context.Context) error {
			_, err := c.get(ctx, path)
			return err
		}); err != nil {
			return err
		}
	}

	return nil
}

// defaultObjects are what the controller-manager makes in every namespace; a
// namespace without them is not finished.
var defaultObjects = []string{
	"/api/v1/namespaces/default/serviceaccounts/default",
	"/api/v1/namespaces/default/configmaps/kube-root-ca.crt",
}

// requestTimeout bounds one question to a server that may hang while it starts.
const requestTimeout = 5 * time.Second
