package shoptest

import "syscall"

// dieWithParent has the shop killed when the test process dies, however it does.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
