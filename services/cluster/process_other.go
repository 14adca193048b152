//go:build !linux

package cluster

import "syscall"

// apart keeps a terminal's Ctrl-C away from a process, which is stopped in its turn.
func apart(as *syscall.Credential, _ syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: as}
}
