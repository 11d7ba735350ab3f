//go:build unix && !linux

package controlplane

import "syscall"

// processAttributes put a server in a process group of its own. These systems
// cannot tie its life to its parent's; [Cluster.Stop] alone ends it.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
