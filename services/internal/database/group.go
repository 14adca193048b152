package database

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"entgo.io/ent/dialect"
)

const (
	groupTimeout = 30 * time.Second // from a group's beginning to its commit
	groupMembers = 128
)

var errPanicked = errors.New("database: the transaction's function did not return")

// GroupTx is Tx for many concurrent callers: on SQLite, which has one writer, those that come while others commit share the
// next transaction and its commit, which is what a transaction costs most. PostgreSQL lets transactions that commit at the
// same time share the wait for the disk by itself: there it is Tx, and nobody waits for a neighbour's statements.
//
// In a group each fn runs by itself in a savepoint, one after the other, each in its caller's
// goroutine; its error, its panic or the end of its ctx rolls back to that savepoint only. It returns after the commit,
// and all members of a group share the commit's failure. A ctx that ends while the caller waits for its turn means that
// fn does not run.
//
// Everyone in a group that breaks before its commit, and whoever returned an error in one whose commit fails, is run again
// in a transaction of its own: fn must be repeatable.
func (db *DB) GroupTx(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	if within(ctx, db) {
		return errNested
	}
	if db.dialect == dialect.Postgres {
		return db.Tx(ctx, fn)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	m := &member{turn: make(chan *Tx, 1), ended: make(chan outcome, 1), verdict: make(chan verdict, 1)}
	db.group.enqueue(m) //nolint:contextcheck // a group outlives each of its callers

	var tx *Tx
	select {
	case tx = <-m.turn:
	case <-ctx.Done():
		if m.settle(withdrawn) {
			return context.Cause(ctx)
		}
		tx = <-m.turn
	}
	if tx == nil {
		defer close(m.ended)
		return db.Tx(ctx, fn)
	}
	err := m.run(ctx, tx, fn)
	v := <-m.verdict
	switch {
	case v.alone || retryable(err) || retryable(tx.failed):
		return db.Tx(ctx, fn)
	case err != nil:
		return err
	case v.err != nil:
		return v.err
	}
	tx.committed()
	return nil
}

// group gathers concurrent callers into shared transactions. Its leader is a goroutine that lives while there is work.
type group struct {
	db    *DB
	mu    sync.Mutex
	queue []*member
	led   bool
}

// member is a caller of GroupTx.
type member struct {
	state   atomic.Int32
	turn    chan *Tx     // its transaction when its turn has come; nil: to be run alone
	ended   chan outcome // how its function ended
	verdict chan verdict // what became of its work
}

// outcome is how a member's function ended.
type outcome struct{ err error }

// verdict is what became of a member's work: committed when zero, undone with err, or undone without a trace before any
// commit, to be run again alone.
type verdict struct {
	err   error
	alone bool
}

const (
	waiting int32 = iota
	started
	withdrawn
)

// settle decides once between a member that starts and one that withdraws.
func (m *member) settle(state int32) bool { return m.state.CompareAndSwap(waiting, state) }

// run runs fn and tells the leader how it ended, even when fn panics.
func (m *member) run(ctx context.Context, tx *Tx, fn func(ctx context.Context, tx *Tx) error) (err error) {
	ended := outcome{errPanicked}
	defer func() { m.ended <- ended }()
	err = fn(inside(ctx, tx.db), tx)
	if err == nil {
		err = tx.failed
	}
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	ended = outcome{err}
	return err
}

func (g *group) enqueue(m *member) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.queue = append(g.queue, m)
	if !g.led {
		g.led = true
		go g.lead()
	}
}

// lead runs groups until nobody waits.
func (g *group) lead() {
	for {
		batch := g.take()
		if batch == nil {
			return
		}
		if len(batch) == 1 {
			m := batch[0]
			if m.settle(started) {
				m.turn <- nil
				<-m.ended
			}
			continue
		}
		g.runBatch(batch)
	}
}

// take returns the members of the next group, or nil after having resigned because there are none.
func (g *group) take() []*member {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.queue) == 0 {
		g.queue = nil
		g.led = false
		return nil
	}
	n := min(len(g.queue), groupMembers)
	batch := g.queue[:n:n]
	g.queue = g.queue[n:]
	return batch
}

// runBatch runs the members in one transaction and tells each what became of its work. Nobody is told before the commit:
// even an error may rest on what an earlier member did.
func (g *group) runBatch(batch []*member) {
	ctx, cancel := context.WithTimeout(context.Background(), groupTimeout)
	defer cancel()
	t, err := g.begin(ctx)
	if err == nil {
		defer t.Rollback() // does nothing after a commit
	}
	ran := make(map[*member]error, len(batch)) // with the error for which its work was undone
	for _, m := range batch {
		switch {
		case !m.settle(started):
		case err != nil: // the transaction is broken
			m.turn <- nil
		default:
			m.turn <- &Tx{db: g.db, sql: t.Tx, bound: ctx}
			ended := (<-m.ended).err
			if ended == nil {
				ended = t.keep(ctx)
			}
			if ended != nil {
				err = t.undo(ctx)
			}
			ran[m] = ended
		}
	}
	if err != nil {
		cancel() // before others go on alone
		for m := range ran {
			m.verdict <- verdict{alone: true}
		}
		return
	}
	err = commit(t.Tx, cancel)
	for m, ended := range ran {
		if ended != nil {
			m.verdict <- verdict{err: ended, alone: err != nil}
			continue
		}
		m.verdict <- verdict{err: err, alone: retryable(err)}
	}
}

func (g *group) begin(ctx context.Context) (*savepoints, error) {
	sqlTx, err := g.db.write.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("beginning a transaction: %w", err)
	}
	t := &savepoints{sqlTx}
	if err := t.exec(ctx, "SAVEPOINT member"); err != nil {
		t.Rollback()
		return nil, err
	}
	return t, nil
}
