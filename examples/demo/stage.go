//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/testcluster"
)

// point is the restore point that the second half is about: the last of three.
const point = "latest"

// Names in the demo's directory.
const (
	repoName    = "mgmt.git"
	newRepoName = "new.git"
	keysName    = "keys"
	newKeysName = "new-keys"
	oldConfig   = "old.kubeconfig"
	newConfig   = "new.kubeconfig"
	appName     = "fleet-system/fleet"
)

// stage is where the story happens and what its steps have learned so far.
type stage struct {
	*narrator
	options

	dir     string // everything but the servers' data
	environ []string

	oldCluster, newCluster *testcluster.Cluster
	oldFleet, newFleet     *service
	daemon                 *service
	services               []*service // all that were started, for the end

	// saved is the application's state in the old cluster, restored in the new.
	saved, restored []appbur.AppState
	timings         []timing
}

func newStage(o options, n *narrator, environ []string) (*stage, error) {
	bin, err := filepath.Abs(o.bin)
	if err != nil {
		return nil, err
	}
	o.bin = bin
	for _, name := range programs {
		if _, err := os.Stat(filepath.Join(bin, name)); err != nil {
			return nil, appbur.WithHint(err, "run `make build`, or name the directory of the programs with -bin")
		}
	}
	dir, err := workDir(o.dir)
	if err != nil {
		return nil, err
	}
	s := &stage{narrator: n, options: o, dir: dir}
	s.environ = s.environment(environ)
	return s, nil
}

// environment is that of the audience without what would change the story.
func (s *stage) environment(environ []string) []string {
	var kept []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "APPBUR_") || strings.HasPrefix(name, "GIT_") || name == "KUBECONFIG" || name == "SOPS_AGE_KEY_FILE" {
			continue
		}
		kept = append(kept, entry)
	}
	return append(kept, "APPBUR_KEYS="+filepath.Join(s.dir, keysName), "GIT_PAGER=cat", "GIT_TERMINAL_PROMPT=0")
}

// close stops everything that runs.
func (s *stage) close() {
	for _, svc := range s.services {
		svc.stop()
	}
	for _, c := range []*testcluster.Cluster{s.newCluster, s.oldCluster} {
		if c != nil {
			_ = c.Stop() // what it could not remove is left in the temporary directory
		}
	}
}

// keepLogs copies the servers' last words into the demo's directory before their
// own directories disappear.
func (s *stage) keepLogs() {
	for name, c := range map[string]*testcluster.Cluster{"old-cluster.log": s.oldCluster, "new-cluster.log": s.newCluster} {
		if c != nil {
			_ = os.WriteFile(filepath.Join(s.dir, name), []byte(c.LogTails()), 0o600)
		}
	}
}

// path is that of a file in the demo's directory. Absolute paths stay.
func (s *stage) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(s.dir, name)
}
