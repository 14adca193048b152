//go:build !linux

package shoptest

import "syscall"

func dieWithParent() *syscall.SysProcAttr { return nil }
