package cluster

import "syscall"

// apart keeps a terminal's Ctrl-C away from a process, which is stopped in its turn, and ends it when this process dies,
// however it does.
func apart(as *syscall.Credential, end syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: end, Credential: as}
}
