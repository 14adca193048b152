package store

import (
	"context"
	"fmt"
	"time"

	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/payment/internal/ent/db"
	"github.com/taproom-shop/taproom/services/payment/internal/ent/db/intent"
)

const (
	// maxFindings is how many breaches of a rule are named.
	maxFindings = 20
	// patience is how long something may be under way before it is a breach.
	patience = time.Minute
)

// Finding is what the check of one rule found.
type Finding struct {
	Rule, Description string
	Checked           int64
	Findings          []string // sentences, at most maxFindings
	Broken            bool
	Pending           bool          // it differs, and something young under way explains it
	Age               time.Duration // of the oldest thing under way
}

// rule is an invariant of rows that are changed in one transaction. Nothing under way explains a breach.
type rule struct {
	name, description string
	count             string // how many things are looked at
	breaches          string // one sentence a breach
}

const (
	openHold     = `h.kind = 'HOLD' AND NOT EXISTS (SELECT 1 FROM transfers r WHERE r.resolves = h.id)`
	holdingState = `p.state IN ('AUTHORIZED', 'CAPTURING', 'VOIDING')`
	awaited      = `CASE p.state WHEN 'AUTHORIZING' THEN 'AUTHORIZE' WHEN 'CAPTURING' THEN 'CAPTURE' WHEN 'VOIDING' THEN 'VOID' WHEN 'REFUNDING' THEN 'REFUND' END`
)

var rules = []rule{
	{
		name: "ledger.zero_sum", description: "All entries of a currency sum to zero, posted and pending.",
		count: `SELECT COUNT(*) FROM entries`,
		breaches: `SELECT currency || ': posted entries sum to ' || SUM(posted) || ', pending ones to ' || SUM(pending)
			FROM entries GROUP BY currency HAVING SUM(posted) <> 0 OR SUM(pending) <> 0`,
	},
	{
		name: "ledger.transfers", description: "Every transfer has two entries or more, in its currency, that sum to zero.",
		count: `SELECT COUNT(*) FROM transfers`,
		breaches: `SELECT 'transfer ' || t.id || ' has ' || COUNT(e.id) || ' entries that sum to ' || COALESCE(SUM(e.posted), 0) || ' posted and '
				|| COALESCE(SUM(e.pending), 0) || ' pending'
			FROM transfers t LEFT JOIN entries e ON e.transfer_id = t.id GROUP BY t.id
			HAVING COUNT(e.id) < 2 OR SUM(e.posted) <> 0 OR SUM(e.pending) <> 0 OR SUM(CASE WHEN e.currency <> t.currency THEN 1 ELSE 0 END) > 0`,
	},
	{
		name: "wallet.ledger", description: "Each wallet's balance and holds are the sums of its entries, and what it expects that of its pending top-ups.",
		count: `SELECT COUNT(*) FROM wallets`,
		breaches: `SELECT 'wallet ' || w.user_id || ' has ' || w.balance || ', ' || w.held || ' of it held, and expects ' || w.incoming
				|| '; its entries sum to ' || COALESCE(e.posted, 0) || ' posted and ' || COALESCE(e.pending, 0) || ' pending, its top-ups to ' || COALESCE(u.expected, 0)
			FROM wallets w
			LEFT JOIN (SELECT wallet_id, SUM(posted) AS posted, SUM(pending) AS pending FROM entries WHERE account = 'wallets' GROUP BY wallet_id) e ON e.wallet_id = w.user_id
			LEFT JOIN (SELECT user_id, SUM(amount) AS expected FROM top_ups WHERE state = 'PENDING' GROUP BY user_id) u ON u.user_id = w.user_id
			WHERE w.balance <> COALESCE(e.posted, 0) OR w.held <> -COALESCE(e.pending, 0) OR w.incoming <> COALESCE(u.expected, 0)
			UNION ALL
			SELECT DISTINCT 'customer ' || e.wallet_id || ' has entries and no wallet' FROM entries e
			WHERE e.account = 'wallets' AND NOT EXISTS (SELECT 1 FROM wallets w WHERE w.user_id = e.wallet_id)`,
	},
	{
		name: "payment.ledger", description: "What each payment says was captured and refunded is what the ledger booked for its order.",
		count: `SELECT COUNT(*) FROM payments`,
		breaches: `SELECT 'payment ' || p.id || ' says ' || p.captured || ' captured and ' || p.refunded || ' refunded; the ledger has '
				|| COALESCE(l.captured, 0) || ' and ' || COALESCE(l.refunded, 0)
			FROM payments p LEFT JOIN (
				SELECT t.reference AS order_id, SUM(CASE t.kind WHEN 'CAPTURE' THEN e.posted ELSE 0 END) AS captured,
					SUM(CASE t.kind WHEN 'REFUND' THEN -e.posted ELSE 0 END) AS refunded
				FROM transfers t JOIN entries e ON e.transfer_id = t.id AND e.account = 'revenue' GROUP BY t.reference
			) l ON l.order_id = p.order_id
			WHERE p.captured <> COALESCE(l.captured, 0) OR p.refunded <> COALESCE(l.refunded, 0)
			UNION ALL
			SELECT 'transfer ' || t.id || ' is of order ' || t.reference || ', which has no payment' FROM transfers t
			WHERE t.kind <> 'TOP_UP' AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.order_id = t.reference)`,
	},
	{
		name: "payment.holds", description: "Money is held for exactly the payments that are authorized and neither taken nor given up.",
		count: `SELECT COUNT(*) FROM payments p WHERE ` + holdingState,
		breaches: `SELECT 'payment ' || p.id || ' is ' || p.state || ' and ' || p.amount || ' should be held for it' FROM payments p WHERE ` + holdingState + `
			AND NOT EXISTS (SELECT 1 FROM transfers h WHERE h.id = p.hold_id AND h.amount = p.amount AND ` + openHold + `)
			UNION ALL
			SELECT 'hold ' || h.id || ' is open and the payment of order ' || h.reference || ' does not need it' FROM transfers h WHERE ` + openHold + `
			AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.order_id = h.reference AND p.hold_id = h.id AND ` + holdingState + `)`,
	},
	{
		name: "payment.intents", description: "What waits for the card provider has an open intent, and nothing else has.",
		count: `SELECT COUNT(*) FROM intents WHERE open`,
		breaches: `SELECT 'payment ' || p.id || ' is ' || p.state || ' and nobody asks the provider' FROM payments p
			WHERE p.state IN ('AUTHORIZING', 'CAPTURING', 'VOIDING', 'REFUNDING')
			AND NOT EXISTS (SELECT 1 FROM intents i WHERE i.subject_id = p.id AND i.operation = ` + awaited + ` AND i.open)
			UNION ALL
			SELECT 'top-up ' || t.id || ' is pending and nobody asks the provider' FROM top_ups t
			WHERE t.state = 'PENDING' AND NOT EXISTS (SELECT 1 FROM intents i WHERE i.subject_id = t.id AND i.operation = 'CHARGE' AND i.open)
			UNION ALL
			SELECT 'intent ' || i.operation || ' of ' || i.subject_id || ' is open and nothing waits for it' FROM intents i WHERE i.open
			AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.id = i.subject_id AND i.operation = ` + awaited + `)
			AND NOT EXISTS (SELECT 1 FROM top_ups t WHERE t.id = i.subject_id AND t.state = 'PENDING')`,
	},
}

// CheckInvariants checks the rules that money must obey.
func (s *Store) CheckInvariants(ctx context.Context) ([]Finding, error) {
	findings := make([]Finding, 0, len(rules)+2)
	for _, r := range rules {
		f, err := s.check(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("check %s: %w", r.name, err)
		}
		findings = append(findings, f)
	}
	waiting, err := s.checkIntents(ctx)
	if err != nil {
		return nil, err
	}
	outbox, err := s.checkOutbox(ctx)
	if err != nil {
		return nil, err
	}
	return append(findings, waiting, outbox), nil
}

func (s *Store) check(ctx context.Context, r rule) (Finding, error) {
	f := Finding{Rule: r.name, Description: r.description}
	if err := s.db.QueryRow(ctx, r.count).Scan(&f.Checked); err != nil {
		return f, err
	}
	rows, err := s.db.Query(ctx, fmt.Sprintf("SELECT * FROM (%s) breaches LIMIT %d", r.breaches, maxFindings))
	if err != nil {
		return f, err
	}
	defer rows.Close()
	for rows.Next() {
		var sentence string
		if err := rows.Scan(&sentence); err != nil {
			return f, err
		}
		f.Findings = append(f.Findings, sentence)
	}
	f.Broken = len(f.Findings) > 0
	return f, rows.Err()
}

// checkIntents finds what the provider is being asked for: for a minute that is pending, then somebody should know.
func (s *Store) checkIntents(ctx context.Context) (Finding, error) {
	f := Finding{Rule: "intents.age", Description: "The card provider does what it is asked within a minute."}
	open := s.read.Intent.Query().Where(intent.Open(true))
	n, err := open.Clone().Count(ctx)
	if err != nil {
		return f, fmt.Errorf("check %s: %w", f.Rule, err)
	}
	oldest, err := open.Order(db.Asc(intent.FieldCreatedAt)).Limit(maxFindings).All(ctx)
	if err != nil {
		return f, fmt.Errorf("check %s: %w", f.Rule, err)
	}
	now := s.db.Now()
	f.Checked = int64(n)
	for _, i := range oldest {
		age := now.Sub(i.CreatedAt)
		f.Age = max(f.Age, age)
		f.Findings = append(f.Findings, fmt.Sprintf("%s of %s is open for %s after %d tries: %s", i.Operation, i.SubjectID,
			age.Round(time.Second), i.Attempts, i.LastError))
	}
	f.Pending, f.Broken = n > 0, f.Age > patience
	return f, nil
}

func (s *Store) checkOutbox(ctx context.Context) (Finding, error) {
	f := Finding{Rule: "outbox.age", Description: "Every event is published within a minute."}
	waiting, oldest, err := journal.OutboxAge(ctx, s.db, s.db.Now())
	if err != nil {
		return f, fmt.Errorf("check %s: %w", f.Rule, err)
	}
	f.Checked, f.Age = waiting, oldest
	if f.Broken = waiting > 0 && oldest > patience; f.Broken {
		f.Findings = []string{fmt.Sprintf("%d events wait to be published, the oldest for %s", waiting, oldest.Round(time.Second))}
	}
	return f, nil
}
