//go:build unix

package controlplane

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/appbur/appbur/internal/backoff"
)

// CopyStore copies what etcd holds into a directory that must not exist, as a backup
// of a stopped etcd does, and starts the servers again.
func (c *Cluster) CopyStore(ctx context.Context, to string) error {
	return c.withoutServers(ctx, func(store string) error { return os.CopyFS(to, os.DirFS(store)) })
}

// RestoreStore puts an earlier copy in the place of what etcd holds: the cluster goes
// back in time, revisions included, and the servers start again at the same address.
func (c *Cluster) RestoreStore(ctx context.Context, from string) error {
	return c.withoutServers(ctx, func(store string) error {
		if err := os.RemoveAll(store); err != nil {
			return err
		}
		if err := os.CopyFS(store, os.DirFS(from)); err != nil {
			return err
		}
		// A control plane that is restored is away for longer than this machine needs to copy a directory. One that is
		// back within two seconds counts as handed over (pkg/exporter), and a watch may have ended last of all.
		return backoff.Sleep(ctx, restoreTakes)
	})
}

// restoreTakes is how long servers are away at least while their store is restored.
const restoreTakes = 4 * time.Second

// withoutServers does something to the directory of etcd while nothing runs.
func (c *Cluster) withoutServers(ctx context.Context, do func(store string) error) (err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return errStopped
	}
	c.controllerManager.stop(stopGrace)
	c.apiServer.stop(stopGrace)
	c.etcd.stop(stopGrace)

	store := filepath.Join(c.Dir, "etcd")
	if err := do(store); err != nil {
		return fmt.Errorf("the store of the cluster: %w", err)
	}
	if err := os.Chmod(store, 0o700); err != nil { // etcd insists
		return err
	}
	if c.etcd, err = startProcess(c.Dir, "etcd", c.options.Binaries.Etcd, c.etcdArgs()...); err != nil {
		return err
	}
	if err := c.startAPIServer(ctx); err != nil {
		return err
	}
	return c.startControllerManager(ctx)
}
