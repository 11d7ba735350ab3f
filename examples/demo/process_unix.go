//go:build unix && !linux

package main

import "syscall"

// processAttributes put a process in a group of its own. These systems cannot
// tie its life to its parent's.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
