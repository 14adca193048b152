// Package localpostgres finds the PostgreSQL that is installed on this machine and runs its programs, for tests,
// measurements and the local cluster, which all start servers of their own.
package localpostgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

const askEvery = 20 * time.Millisecond

// Installation is an installed PostgreSQL server and who runs it.
type Installation struct {
	// Bin is the folder of its programs.
	Bin string
	// As is the user postgres when this process runs as root, whom PostgreSQL refuses to serve; nil: this process's user.
	As *syscall.Credential
	// Home is that user's folder; empty when As is nil.
	Home string
}

// Find returns the installation in PATH, or else the newest where Debian keeps them. The error says what to install.
func Find() (Installation, error) {
	bin, err := findPrograms()
	if err != nil || os.Geteuid() != 0 {
		return Installation{Bin: bin}, err
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return Installation{}, fmt.Errorf("PostgreSQL does not run as root: %w", err)
	}
	uid, uidErr := strconv.ParseUint(account.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(account.Gid, 10, 32)
	as := &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return Installation{Bin: bin, As: as, Home: account.HomeDir}, errors.Join(uidErr, gidErr)
}

func findPrograms() (folder string, err error) {
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.Reverse(folders) // the newest first
	if initdb, err := exec.LookPath("initdb"); err == nil {
		folders = append([]string{filepath.Dir(initdb)}, folders...)
	}
	for _, folder := range folders {
		if executable(filepath.Join(folder, "initdb")) && executable(filepath.Join(folder, "postgres")) {
			return folder, nil
		}
	}
	return "", errors.New("PostgreSQL's server programs initdb and postgres are neither in PATH nor in /usr/lib/postgresql/*/bin: install PostgreSQL (Debian's package is postgresql)")
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// Give makes a folder the server's own.
func (i Installation) Give(folder string) error {
	if i.As == nil {
		return nil
	}
	return os.Chown(folder, int(i.As.Uid), int(i.As.Gid))
}

// Reaches reports whether the server's user may enter a folder.
func (i Installation) Reaches(ctx context.Context, folder string) bool {
	if i.As == nil {
		return true
	}
	look := exec.CommandContext(ctx, "test", "-x", folder) //nolint:gosec // no shell reads it
	look.Dir, look.SysProcAttr = "/", &syscall.SysProcAttr{Credential: i.As}
	return look.Run() == nil
}

// Command is one of the server's programs, to be run as its user. It ends with ctx.
func (i Installation) Command(ctx context.Context, program string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, filepath.Join(i.Bin, program), args...) //nolint:gosec // an installed program
	command.Dir = "/"                                                           // a folder that everybody may enter
	command.SysProcAttr = &syscall.SysProcAttr{Credential: i.As}
	return command
}

// Await waits for the first answer of the server at a URL until ctx ends.
func Await(ctx context.Context, url string) error {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return err
	}
	defer db.Close()
	for {
		failure := db.PingContext(ctx)
		if failure == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return failure
		case <-time.After(askEvery):
		}
	}
}
