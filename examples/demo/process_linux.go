package main

import "syscall"

// processAttributes put a process in a group of its own and have the kernel kill
// it when the demo dies without a chance to stop it.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
