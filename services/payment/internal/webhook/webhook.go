// Package webhook hears what the card provider has to tell.
package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/payment/internal/flow"
	"github.com/taproom-shop/taproom/services/payment/internal/provider"
)

const (
	maxBody  = 16 << 10
	maxTime  = 10 * time.Second
	consumer = "payment-card-webhook" // in the inbox
)

// Handler takes the provider's notices, each once. Nothing is believed before the signature of the raw body has been checked.
//
// It answers 204 when the notice was taken in, now or before, 401 for a bad or stale signature, 400 for an unreadable body,
// 404 for an operation that nobody asked for, and 503 when the provider should send it again.
type Handler struct {
	DB     *database.DB
	Secret []byte
	Log    *slog.Logger
}

// ServeHTTP takes one notice.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "send notices with POST", http.StatusMethodNotAllowed)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), maxTime)
	defer cancel()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "the body can't be read or is too large", http.StatusBadRequest)
		return
	}
	if err := provider.Verify(h.Secret, body, r.Header.Get(provider.SignatureHeader), h.DB.Now()); err != nil {
		h.Log.WarnContext(ctx, "a webhook was refused", slog.Any("error", err))
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	var notice provider.Notice
	if err := json.Unmarshal(body, &notice); err != nil || notice.ID == "" || notice.Key == "" {
		http.Error(w, "the body is not a notice with id and key", http.StatusBadRequest)
		return
	}
	switch err := h.take(ctx, notice); {
	case errors.Is(err, flow.ErrUnknown):
		h.Log.WarnContext(ctx, "a webhook is about an unknown operation", slog.String("key", notice.Key))
		http.Error(w, "the operation is not known here", http.StatusNotFound)
	case errors.Is(err, flow.ErrRefused):
		// The intent stays open and raises the alarm.
		h.Log.ErrorContext(ctx, "the card provider refuses", slog.String("key", notice.Key), slog.Any("error", err))
		w.WriteHeader(http.StatusNoContent)
	case err != nil:
		h.Log.ErrorContext(ctx, "a webhook could not be taken in", slog.String("key", notice.Key), slog.Any("error", err))
		http.Error(w, "try again later", http.StatusServiceUnavailable)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func (h *Handler) take(ctx context.Context, notice provider.Notice) error {
	answer := provider.Answer{Key: notice.Key, Status: notice.Status, Reason: notice.Reason}
	if !answer.Final() {
		return nil // an intent asks for the rest
	}
	return h.DB.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		fresh, err := journal.Fresh(ctx, tx, consumer, []string{notice.ID})
		if err != nil || !fresh[notice.ID] {
			return err
		}
		return flow.Answered(ctx, tx, answer)
	})
}
