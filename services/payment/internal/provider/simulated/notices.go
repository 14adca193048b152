package simulated

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"entgo.io/ent/dialect"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/payment/internal/provider"
)

const (
	noticesSignal = "payment.simulated-notices"
	noticesEvery  = 250 * time.Millisecond
	noticesAtOnce = 16
	noticeTimeout = 5 * time.Second
	noticeTries   = 6 // then the shop has to ask
	// noticeLease is how long the webhooks that a process has taken up are its own. When it dies, or sends too slowly, another
	// one sends them again, as real providers do.
	noticeLease = 5 * time.Second
)

// Loop delivers webhooks as they come due. Of several replicas each takes up what no other has.
func (p *Provider) Loop() module.Loop {
	return module.Repeat(p.Log, "simulated-card-provider", noticesEvery, p.DB.Signal(noticesSignal).C(), p.Deliver)
}

type delivery struct {
	provider.Notice
	tries int // that failed
	left  int // deliveries still to be made, this one included
}

// Deliver delivers the webhooks that are due; more is true when there may be others.
func (p *Provider) Deliver(ctx context.Context) (more bool, err error) {
	due, err := p.claim(ctx)
	if err != nil {
		return false, err
	}
	for _, d := range due {
		sendErr := p.send(ctx, d.Notice)
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if sendErr != nil {
			p.Log.WarnContext(ctx, "webhook of the simulated card provider was not taken", slog.String("key", d.Key), slog.Any("error", sendErr))
		}
		if err := p.delivered(ctx, d, sendErr == nil); err != nil {
			return false, err
		}
	}
	return len(due) == noticesAtOnce, nil
}

// claim takes up webhooks that are due. Nobody else sends them before the lease has run out.
func (p *Provider) claim(ctx context.Context) (due []delivery, err error) {
	// Most looks find nothing: they cost no transaction.
	now := p.DB.Now()
	var some bool
	if err := p.DB.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM simulated_operations WHERE notices > 0 AND notice_at <= ?)`, now).Scan(&some); err != nil || !some {
		return nil, err
	}
	err = p.DB.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		due = nil
		lock := ""
		if tx.Dialect() == dialect.Postgres {
			lock = " FOR UPDATE SKIP LOCKED"
		}
		rows, err := tx.Query(ctx, `WITH due AS MATERIALIZED (SELECT op_key FROM simulated_operations WHERE notices > 0 AND notice_at <= ? ORDER BY notice_at LIMIT ?`+lock+`)
			UPDATE simulated_operations SET notice_at = ? FROM due WHERE simulated_operations.op_key = due.op_key
			RETURNING notice_id, simulated_operations.op_key, status, reason, tries, notices`, now, noticesAtOnce, now.Add(noticeLease))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var d delivery
			if err := rows.Scan(&d.ID, &d.Key, &d.Status, &d.Reason, &d.tries, &d.left); err != nil {
				return err
			}
			due = append(due, d)
		}
		return rows.Err()
	})
	return due, err
}

func (p *Provider) send(ctx context.Context, notice provider.Notice) error {
	body, err := json.Marshal(notice)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, noticeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.WebhookURL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(provider.SignatureHeader, provider.Sign(p.Secret, body, p.DB.Now()))
	res, err := p.Client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, 1<<10)); err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("answered %s", res.Status)
	}
	return nil
}

// delivered writes down what became of a webhook, unless somebody else has done so meanwhile.
func (p *Provider) delivered(ctx context.Context, d delivery, taken bool) error {
	now, tries, left := p.DB.Now(), 0, d.left-1
	if !taken {
		now, tries, left = now.Add(time.Second<<d.tries), d.tries+1, d.left
		if tries >= noticeTries {
			left = 0
		}
	}
	return p.DB.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE simulated_operations SET notices = ?, tries = ?, notice_at = ? WHERE op_key = ? AND notices = ? AND tries = ?`,
			left, tries, now, d.Key, d.left, d.tries)
		return err
	})
}
