// Package embedded runs the shop's parts inside the process: the same servers, or servers that speak the same
// protocols, as the ones that a distributed shop connects to.
package embedded

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// errLocked says that another process holds the lock.
var errLocked = errors.New("locked")

// Lock takes a data folder for this process, and makes it if need be. Two processes on the same files would destroy
// them, so a folder in use is refused with an error that names the other process. The lock goes with the process,
// however it ends; unlock gives it back earlier.
func Lock(dir string) (unlock func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	path := filepath.Join(dir, ".lock")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	if err := lockFile(file); err != nil {
		owner, _ := io.ReadAll(io.LimitReader(file, 20))
		_ = file.Close()
		if !errors.Is(err, errLocked) {
			return nil, fmt.Errorf("lock the data folder: %w", err)
		}
		return nil, fmt.Errorf("the data folder %s is in use by process %s: stop that one, or choose another folder with --data",
			dir, strings.TrimSpace(string(owner)))
	}
	// The number is only for the message above; the lock itself is the operating system's.
	if err := file.Truncate(0); err == nil {
		_, _ = file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return file.Close, nil
}
