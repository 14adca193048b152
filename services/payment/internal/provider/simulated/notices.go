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
)

// Loop delivers webhooks as they come due.
func (p *Provider) Loop() module.Loop {
	return module.Repeat(p.Log, "simulated-card-provider", noticesEvery, p.DB.Signal(noticesSignal).C(), p.Deliver)
}

type delivery struct {
	provider.Notice
	tries int
}

// Deliver delivers the webhooks that are due; more is true when there may be others.
func (p *Provider) Deliver(ctx context.Context) (more bool, err error) {
	due, err := p.due(ctx)
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

func (p *Provider) due(ctx context.Context) ([]delivery, error) {
	rows, err := p.DB.Query(ctx, `SELECT notice_id, op_key, status, reason, tries FROM simulated_operations
		WHERE notices > 0 AND notice_at <= ? ORDER BY notice_at LIMIT ?`, p.DB.Now(), noticesAtOnce)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var due []delivery
	for rows.Next() {
		var d delivery
		if err := rows.Scan(&d.ID, &d.Key, &d.Status, &d.Reason, &d.tries); err != nil {
			return nil, err
		}
		due = append(due, d)
	}
	return due, rows.Err()
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

func (p *Provider) delivered(ctx context.Context, d delivery, taken bool) error {
	query, args := `UPDATE simulated_operations SET notices = notices - 1, tries = 0 WHERE op_key = ? AND notices > 0`, []any{d.Key}
	if !taken {
		wait := time.Second << d.tries
		query = `UPDATE simulated_operations SET tries = tries + 1, notice_at = ?, notices = CASE WHEN tries + 1 >= ? THEN 0 ELSE notices END WHERE op_key = ?`
		args = []any{p.DB.Now().Add(wait), noticeTries, d.Key}
	}
	return p.DB.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	})
}
