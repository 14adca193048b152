package shop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/mod/semver"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/payment"
	"github.com/taproom-shop/taproom/services/user"
)

const (
	// oldestNATS has the mends without which carts can lose updates.
	oldestNATS = "v2.14.6"
	// oldestRedis and oldestPostgres are what the shop is tested with.
	oldestRedis    = "v7.0.0"
	oldestPostgres = 14

	// partTimeout bounds each question to a part.
	partTimeout = 3 * time.Second
)

// Grade says how bad a finding is.
type Grade string

// The grades.
const (
	Good    Grade = "ok"
	Warning Grade = "warning"
	Problem Grade = "problem"
)

// Finding is what a doctor says about a part.
type Finding struct {
	Part  string
	Grade Grade
	Text  string
	Mend  string // how to mend it; empty when all is well
}

func good(part, format string, args ...any) Finding {
	return Finding{part, Good, fmt.Sprintf(format, args...), ""}
}

func warning(part, mend, format string, args ...any) Finding {
	return Finding{part, Warning, fmt.Sprintf(format, args...), mend}
}

func problem(part, mend, format string, args ...any) Finding {
	return Finding{part, Problem, fmt.Sprintf(format, args...), mend}
}

// Examine asks the parts of a cluster how they are, and changes nothing. It tells what is reachable, which versions run,
// and what is misconfigured.
func Examine(ctx context.Context, c Cluster) []Finding {
	if err := c.complete(true); err != nil {
		return []Finding{problem("settings", "give each as a flag or as its TAPROOM_ variable", "%s", strings.ReplaceAll(err.Error(), "\n", "; "))}
	}
	var findings []Finding
	for _, s := range services() {
		if s.migrations != nil {
			findings = append(findings, c.examineDatabase(ctx, s)...)
		}
	}
	findings = append(findings, c.examineNATS(ctx)...)
	findings = append(findings, c.examineRedis(ctx)...)
	findings = append(findings, c.examineConsul(ctx)...)
	return append(findings, c.examineSecrets()...)
}

func (c Cluster) examineDatabase(ctx context.Context, s service) []Finding {
	part := "database of " + s.name
	ctx, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	urls, err := forEach(c.DatabaseURL)
	if err != nil {
		return []Finding{problem(part, "correct --database-url", "%s", err)}
	}
	db, err := database.Open(ctx, database.Config{URL: urls(s.name), MaxConns: 1})
	if err != nil {
		return []Finding{problem(part, "start PostgreSQL, or correct --database-url", "not reachable: %s", err)}
	}
	defer func() { _ = db.Close() }()
	var version, superusers int
	err = db.QueryRow(ctx, `SELECT current_setting('server_version_num')::int / 10000, count(*)
		FROM pg_stat_activity AS a JOIN pg_user AS u USING (usename)
		WHERE u.usesuper AND a.datname = current_database() AND a.application_name = 'taproom' AND a.pid <> pg_backend_pid()`).Scan(&version, &superusers)
	if err != nil {
		return []Finding{problem(part, "use PostgreSQL for services that run on their own", "does not tell its version: %s", err)}
	}
	var findings []Finding
	if version < oldestPostgres {
		findings = append(findings, problem(part, fmt.Sprintf("run PostgreSQL %d or later", oldestPostgres), "PostgreSQL %d is too old", version))
	}
	if superusers > 0 {
		findings = append(findings, warning(part, "give the service a role of its own that owns its database alone", "the service works as a superuser"))
	}
	if err := database.Check(ctx, db, s.migrations()...); err != nil {
		findings = append(findings, problem(part, "run taproom migrate with this version of the program", "%s", err))
	}
	if len(findings) == 0 {
		findings = append(findings, good(part, "PostgreSQL %d, schema current", version))
	}
	return findings
}

func (c Cluster) examineRedis(ctx context.Context) []Finding {
	ctx, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	client, err := c.openRedis()
	if err != nil {
		return []Finding{problem("redis", "correct --redis-url", "%s", err)}
	}
	defer func() { _ = client.Close() }()
	info, err := client.Info(ctx, "server").Result()
	if err != nil {
		return []Finding{warning("redis", "start Redis, or correct --redis-url; the shop goes on without it, slower", "not reachable: %s", err)}
	}
	version := infoField(info, "redis_version")
	if semver.Compare("v"+version, oldestRedis) < 0 {
		return []Finding{warning("redis", "run Redis "+strings.TrimPrefix(oldestRedis, "v")+" or later", "Redis %s is older than what the shop is tested with", version)}
	}
	return []Finding{good("redis", "Redis %s", version)}
}

func infoField(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			return value
		}
	}
	return ""
}

func (c Cluster) examineSecrets() []Finding {
	if c.Secrets == "" {
		return []Finding{warning("secrets", "name the folder with --secrets where user and payment run", "no folder is named, so the secrets were not looked at")}
	}
	var errs []error
	for _, service := range []string{user.Name, payment.Name} {
		errs = append(errs, secrets(c.Secrets).check(service))
	}
	if err := errors.Join(errs...); err != nil {
		return []Finding{problem("secrets", "make them once with taproom secrets, and give all replicas the same", "%s", err)}
	}
	info, err := os.Stat(c.Secrets)
	if err == nil && info.Mode().Perm()&0o007 != 0 {
		return []Finding{warning("secrets", "chmod 700 "+c.Secrets, "everybody on this machine can look into %s", c.Secrets)}
	}
	return []Finding{good("secrets", "all there")}
}
