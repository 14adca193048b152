package simulated_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/payment/internal/provider"
	"github.com/taproom-shop/taproom/services/payment/internal/provider/simulated"
)

// shop takes webhooks and counts them.
type shop struct {
	mu     sync.Mutex
	bodies []string
	away   bool
}

func (s *shop) Do(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return nil, errors.New("nobody there")
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	status := http.StatusNoContent
	if provider.Verify(secret, body, req.Header.Get(provider.SignatureHeader), time.Now()) != nil {
		status = http.StatusUnauthorized
	}
	s.bodies = append(s.bodies, string(body))
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Body: http.NoBody}, nil
}

var secret = []byte("a secret that is long enough for tests")

func each(t *testing.T, test func(t *testing.T, p *simulated.Provider, s *shop)) {
	t.Helper()
	databasetest.Each(t, []database.Migrations{simulated.Migrations}, func(t *testing.T, db *database.DB) {
		s := &shop{}
		test(t, open(db, s), s)
	})
}

func open(db *database.DB, s *shop) *simulated.Provider {
	return simulated.New(simulated.Options{DB: db, Log: slog.New(slog.DiscardHandler), Client: s, WebhookURL: "http://shop/hook", Secret: secret})
}

func tokenize(t *testing.T, p *simulated.Provider, number string) string {
	t.Helper()
	token, err := p.Tokenize(t.Context(), provider.Card{Number: number, ExpMonth: 12, ExpYear: 2099, CVC: "123"})
	require.NoError(t, err)
	return token.Value
}

func TestEachKeyIsCarriedOutOnce(t *testing.T) {
	each(t, func(t *testing.T, p *simulated.Provider, s *shop) {
		charge := provider.Charge{Key: "k", Token: tokenize(t, p, "4242424242424242"), Amount: 100, Currency: "EUR", Capture: true}
		_, err := p.Lookup(t.Context(), "k")
		require.ErrorIs(t, err, provider.ErrUnknownKey)
		for range 3 {
			answer, err := p.Authorize(t.Context(), charge)
			require.NoError(t, err)
			require.Equal(t, provider.Pending, answer.Status)
			p = open(p.DB, s) // a restart changes nothing
		}
		answer, err := p.Lookup(t.Context(), "k")
		require.NoError(t, err)
		require.Equal(t, provider.Succeeded, answer.Status)
		taken, err := p.Taken(t.Context())
		require.NoError(t, err)
		require.Equal(t, int64(100), taken)
	})
}

// Two replicas have one provider: a key that both use at once is carried out once, both get its answer, and each webhook is
// sent as often as the card wants.
func TestReplicasShareTheProvider(t *testing.T) {
	each(t, func(t *testing.T, p *simulated.Provider, s *shop) {
		replicas := []*simulated.Provider{p, open(p.DB, s)}
		const keys = 40
		token := tokenize(t, replicas[0], "4000000000000267")
		var both sync.WaitGroup
		for i := range keys {
			for _, replica := range replicas {
				both.Go(func() {
					charge := provider.Charge{Key: strconv.Itoa(i), Token: token, Amount: 100, Currency: "EUR", Capture: true}
					answer, err := replica.Authorize(t.Context(), charge)
					if err != nil || answer.Status != provider.Pending {
						t.Errorf("%v, %v", answer, err)
					}
				})
			}
		}
		both.Wait()
		for _, replica := range replicas {
			both.Go(func() {
				for range 2 * keys {
					if _, err := replica.Deliver(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		both.Wait()
		taken, err := p.Taken(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, keys*100, taken)
		require.Len(t, s.bodies, 2*keys)
	})
}

func TestMoneyMovesAsItsStateAllows(t *testing.T) {
	each(t, func(t *testing.T, p *simulated.Provider, _ *shop) {
		token := tokenize(t, p, "4242424242424242")
		hold := func(key string) {
			_, err := p.Authorize(t.Context(), provider.Charge{Key: key, Token: token, Amount: 100, Currency: "EUR"})
			require.NoError(t, err)
		}
		expect := func(want provider.Status, answer provider.Answer, err error) {
			t.Helper()
			require.NoError(t, err)
			require.Equal(t, want, answer.Status)
		}
		change := func(key, of string) provider.Change { return provider.Change{Key: key, Of: of, Amount: 100} }
		answer, err := p.Capture(t.Context(), change("c0", "nothing"))
		expect(provider.Declined, answer, err)
		hold("a")
		answer, err = p.Refund(t.Context(), change("r0", "a"))
		expect(provider.Declined, answer, err)
		answer, err = p.Capture(t.Context(), change("c1", "a"))
		expect(provider.Succeeded, answer, err)
		answer, err = p.Capture(t.Context(), change("c2", "a"))
		expect(provider.Declined, answer, err)
		answer, err = p.Void(t.Context(), change("v1", "a"))
		expect(provider.Declined, answer, err)
		answer, err = p.Refund(t.Context(), change("r1", "a"))
		expect(provider.Succeeded, answer, err)
		answer, err = p.Refund(t.Context(), change("r2", "a"))
		expect(provider.Declined, answer, err)
		hold("b")
		held, err := p.Held(t.Context())
		require.NoError(t, err)
		require.Equal(t, int64(100), held)
		answer, err = p.Void(t.Context(), change("v2", "b"))
		expect(provider.Succeeded, answer, err)
		answer, err = p.Capture(t.Context(), change("c3", "b"))
		expect(provider.Declined, answer, err)
		_, err = p.Authorize(t.Context(), provider.Charge{Key: "x", Token: "tok_unknown", Amount: 1, Currency: "EUR"})
		require.NoError(t, err)
		answer, err = p.Lookup(t.Context(), "x")
		expect(provider.Declined, answer, err)
		taken, err := p.Taken(t.Context())
		require.NoError(t, err)
		require.Zero(t, taken)
	})
}

func TestNoticesAreSignedAndComeAsOftenAsTheCardWants(t *testing.T) {
	each(t, func(t *testing.T, p *simulated.Provider, s *shop) {
		for number, times := range map[string]int{"4242424242424242": 1, "4000000000000267": 2, "4000000000000275": 0, "4000000000000002": 1} {
			s.bodies = nil
			_, err := p.Authorize(t.Context(), provider.Charge{Key: number, Token: tokenize(t, p, number), Amount: 100, Currency: "EUR"})
			require.NoError(t, err)
			for range 4 {
				_, err := p.Deliver(t.Context())
				require.NoError(t, err)
			}
			require.Len(t, s.bodies, times, number)
			for _, body := range s.bodies {
				require.Equal(t, s.bodies[0], body, "a repeat is the same notice")
				require.Contains(t, body, number)
			}
		}
	})
}

func TestNoticesWaitForTheShop(t *testing.T) {
	each(t, func(t *testing.T, p *simulated.Provider, s *shop) {
		s.away = true
		_, err := p.Authorize(t.Context(), provider.Charge{Key: "k", Token: tokenize(t, p, "4242424242424242"), Amount: 100, Currency: "EUR"})
		require.NoError(t, err)
		_, err = p.Deliver(t.Context())
		require.NoError(t, err)
		s.away = false
		require.Eventually(t, func() bool {
			_, err := p.Deliver(t.Context())
			return err == nil && len(s.bodies) == 1 && strings.Contains(s.bodies[0], `"succeeded"`)
		}, 10*time.Second, 50*time.Millisecond)
	})
}

func TestAnExpiredCardIsDeclined(t *testing.T) {
	each(t, func(t *testing.T, p *simulated.Provider, _ *shop) {
		_, err := p.Tokenize(t.Context(), provider.Card{Number: "4242424242424242", ExpMonth: 1, ExpYear: 2020, CVC: "123"})
		var wrong *provider.CardError
		require.ErrorAs(t, err, &wrong)
	})
}
