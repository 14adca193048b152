package flow_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/payment/internal/domain"
	"github.com/taproom-shop/taproom/services/payment/internal/provider"
	"github.com/taproom-shop/taproom/services/payment/internal/store"
	"github.com/taproom-shop/taproom/services/payment/internal/webhook"
)

func TestWebhook(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		user := newID()
		o := newOrder(user, 100, byCard(w.card(t, user, "4000000000000275")))
		w.handle(t, o.placed())
		handler := &webhook.Handler{DB: w.db, Secret: secret, Log: slog.New(slog.DiscardHandler)}
		now := w.db.Now()
		notice := func(status provider.Status) []byte {
			body, err := json.Marshal(provider.Notice{ID: newID(), Key: store.Key(w.payment(t, o).ID, domain.Authorize), Status: status})
			require.NoError(t, err)
			return body
		}
		send := func(body []byte, signature string) int { return post(handler, bytes.NewReader(body), signature) }
		good := notice(provider.Succeeded)

		for name, signature := range map[string]string{
			"none":             "",
			"another secret":   provider.Sign([]byte("another secret that is long enough"), good, now),
			"another body":     provider.Sign(secret, []byte("{}"), now),
			"another time":     strings.Replace(provider.Sign(secret, good, now), "t=", "t=1", 1),
			"no hex":           "t=1,v1=zz",
			"too old":          provider.Sign(secret, good, now.Add(-provider.SignatureAge-2*time.Second)),
			"from the future":  provider.Sign(secret, good, now.Add(provider.SignatureAge+2*time.Second)),
			"time not signed":  strings.Replace(provider.Sign(secret, good, now.Add(-time.Hour)), "t=", "t=0", 1),
			"only a signature": "v1=" + strings.Split(provider.Sign(secret, good, now), "v1=")[1],
		} {
			require.Equal(t, http.StatusUnauthorized, send(good, signature), name)
		}
		require.Equal(t, domain.Authorizing, w.payment(t, o).State, "nothing of it was believed")

		garbage := []byte("not json")
		require.Equal(t, http.StatusBadRequest, send(garbage, provider.Sign(secret, garbage, now)))
		huge := bytes.Repeat([]byte(" "), 1<<20)
		require.Equal(t, http.StatusBadRequest, send(huge, provider.Sign(secret, huge, now)))
		unknown, err := json.Marshal(provider.Notice{ID: "n", Key: "AUTHORIZE:" + newID(), Status: provider.Succeeded})
		require.NoError(t, err)
		require.Equal(t, http.StatusNotFound, send(unknown, provider.Sign(secret, unknown, now)))
		undecided := notice(provider.Pending)
		require.Equal(t, http.StatusNoContent, send(undecided, provider.Sign(secret, undecided, now)))
		require.Equal(t, domain.Authorizing, w.payment(t, o).State)

		for range 3 { // replayed within the window
			require.Equal(t, http.StatusNoContent, send(good, provider.Sign(secret, good, now)))
		}
		require.Equal(t, domain.Authorized, w.payment(t, o).State)
		require.Equal(t, []string{"PaymentAuthorized"}, w.events(t, o.id))

		late := notice(provider.Declined) // a contradiction that comes late has no effect
		require.Equal(t, http.StatusNoContent, send(late, provider.Sign(secret, late, now)))
		require.Equal(t, domain.Authorized, w.payment(t, o).State)
	})
}
