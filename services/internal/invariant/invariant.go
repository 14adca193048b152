// Package invariant checks rules that a service's data must obey whatever crashed, was repeated or came out of order.
package invariant

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
)

const (
	// Grace is how long a difference may be explained by messages under way.
	Grace = time.Minute

	maxFindings = 20
)

// Rule is a rule and the queries that check it.
type Rule struct {
	// Name is stable, such as `order.pending_deadline`.
	Name string
	// Description says what holds, in one sentence.
	Description string
	// Count counts what is looked at: a query of one number.
	Count string
	// Broken finds what breaks the rule: rows of (id, what is wrong, since when). An id may come once; a NULL time means
	// that nothing under way explains it.
	Broken string
	// Args are the placeholders of Broken.
	Args []any
}

// Check runs the rules against db. A difference younger than Grace at the time now is pending, any other broken.
func Check(ctx context.Context, db *database.DB, now time.Time, rules ...Rule) ([]*typev1.Invariant, error) {
	results := make([]*typev1.Invariant, len(rules))
	for i, rule := range rules {
		result, err := rule.check(ctx, db, now)
		if err != nil {
			return nil, fmt.Errorf("checking %s: %w", rule.Name, err)
		}
		results[i] = result
	}
	return results, nil
}

func (r Rule) check(ctx context.Context, db *database.DB, now time.Time) (*typev1.Invariant, error) {
	result := &typev1.Invariant{Name: r.Name, Description: r.Description, Status: typev1.InvariantStatus_INVARIANT_STATUS_OK}
	if err := each(ctx, db, r.Count, nil, func(rows *sql.Rows) error { return rows.Scan(&result.Checked) }); err != nil {
		return nil, err
	}
	err := each(ctx, db, r.Broken, r.Args, func(rows *sql.Rows) error {
		var id, finding string
		var since sql.NullTime
		if err := rows.Scan(&id, &finding, &since); err != nil {
			return err
		}
		Add(result, fmt.Sprintf("%s: %s", id, finding), since, now)
		return nil
	})
	return result, err
}

// Add notes a finding: pending when it began less than Grace before now, broken when it is older or at rest.
func Add(result *typev1.Invariant, finding string, since sql.NullTime, now time.Time) {
	age := now.Sub(since.Time)
	switch {
	case !since.Valid || age > Grace:
		result.Status = typev1.InvariantStatus_INVARIANT_STATUS_BROKEN
	case result.GetStatus() == typev1.InvariantStatus_INVARIANT_STATUS_OK:
		result.Status = typev1.InvariantStatus_INVARIANT_STATUS_PENDING
	}
	if since.Valid && age > result.GetAge().AsDuration() {
		result.Age = durationpb.New(age)
	}
	if len(result.GetFindings()) < maxFindings {
		result.Findings = append(result.Findings, finding)
	}
}

func each(ctx context.Context, db *database.DB, query string, args []any, scan func(*sql.Rows) error) error {
	rows, err := db.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Outbox is the rule that nothing waits in a service's outbox: what is committed is told.
func Outbox(service string) Rule {
	return Rule{
		Name:        service + ".outbox_age",
		Description: "No event waits in the outbox for longer than a minute.",
		Count:       `SELECT count(*) FROM outbox`,
		Broken:      `SELECT id, subject, created_at FROM outbox WHERE published_at IS NULL ORDER BY seq LIMIT 100`,
	}
}
