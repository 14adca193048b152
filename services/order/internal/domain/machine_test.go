package domain_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/taproom-shop/taproom/services/order/internal/domain"
)

func apply(t require.TestingT, s domain.Status, kinds ...domain.Kind) (domain.Status, []domain.Announcement) {
	var said []domain.Announcement
	for _, kind := range kinds {
		next, what, err := s.Apply(inputFor(kind))
		require.NoError(t, err, "%s in %s", kind, s.State)
		if what != "" {
			said = append(said, what)
		}
		s = next
	}
	return s, said
}

func inputFor(kind domain.Kind) domain.Input {
	in := domain.Input{Kind: kind, Version: 5, Request: 5}
	switch kind { //nolint:exhaustive // the others carry no reason
	case domain.CancelByStaff:
		in.Reason, in.Recall = domain.ByStaff, true
	case domain.ShipmentStopped, domain.ShipmentReturned:
		in.Reason = domain.ByStaff
	}
	return in
}

func TestAnUndisturbedLife(t *testing.T) {
	s, said := apply(t, domain.Status{State: domain.Pending},
		domain.MoneyWasAuthorized, domain.StockWasReserved, domain.MoneyWasCaptured,
		domain.AssemblyStarted, domain.ShipmentAssembled, domain.ShipmentHandedOver, domain.ShipmentDelivered)
	require.Equal(t, domain.Delivered, s.State)
	require.Equal(t, []domain.Announcement{
		domain.AnnounceConfirmed, domain.AnnouncePaid, domain.AnnounceProgressed, domain.AnnounceProgressed, domain.AnnounceProgressed,
		domain.AnnounceProgressed,
	}, said)
}

func TestWhilePendingTheOrderDecides(t *testing.T) {
	for _, test := range []struct {
		name   string
		steps  []domain.Kind
		reason domain.Reason
	}{
		{"sold out", []domain.Kind{domain.MoneyWasAuthorized, domain.StockWasRejected}, domain.OutOfStock},
		{"declined", []domain.Kind{domain.StockWasReserved, domain.MoneyWasDeclined}, domain.PaymentDeclined},
		{"too late", []domain.Kind{domain.StockWasReserved, domain.DeadlinePassed}, domain.TimedOut},
		{"too late for the capture", []domain.Kind{domain.StockWasReserved, domain.MoneyWasAuthorized, domain.DeadlinePassed}, domain.TimedOut},
		{"customer", []domain.Kind{domain.CancelByCustomer}, domain.ByCustomer},
		{"staff", []domain.Kind{domain.CancelByStaff}, domain.ByStaff},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, said := apply(t, domain.Status{State: domain.Pending}, test.steps...)
			require.Equal(t, domain.Cancelled, s.State)
			require.Equal(t, test.reason, s.Reason)
			require.Equal(t, domain.AnnounceCancelled, said[len(said)-1])
		})
	}
}

func TestACaptureAfterTheCancellationIsAFactButPaysNothing(t *testing.T) {
	s, _ := apply(t, domain.Status{State: domain.Pending}, domain.StockWasReserved, domain.MoneyWasAuthorized, domain.DeadlinePassed)
	s, said := apply(t, s, domain.MoneyWasCaptured)
	require.Equal(t, domain.Cancelled, s.State)
	require.Equal(t, domain.MoneyCaptured, s.Money)
	require.Empty(t, said)
	s, _ = apply(t, s, domain.MoneyWasRefunded)
	require.Equal(t, domain.MoneyRefunded, s.Money)
}

func TestFromPaidOnShippingDecides(t *testing.T) {
	paid, _ := apply(t, domain.Status{State: domain.Pending}, domain.StockWasReserved, domain.MoneyWasAuthorized, domain.MoneyWasCaptured)

	asked, said := apply(t, paid, domain.CancelByCustomer)
	require.Equal(t, domain.Paid, asked.State)
	require.Equal(t, []domain.Announcement{domain.AnnounceCancelRequested}, said)
	_, said = apply(t, asked, domain.CancelByCustomer)
	require.Empty(t, said, "asking again")

	stopped, said := apply(t, asked, domain.ShipmentStopped)
	require.Equal(t, domain.Cancelled, stopped.State)
	require.Equal(t, []domain.Announcement{domain.AnnounceCancelled}, said)

	gone, said := apply(t, asked, domain.ShipmentHandedOver, domain.ShipmentStopRefused)
	require.Equal(t, domain.Delivering, gone.State)
	require.False(t, gone.CancelRequested())
	require.Equal(t, domain.AnnounceCancelRefused, said[len(said)-1])

	_, _, err := gone.Apply(domain.Input{Kind: domain.CancelByCustomer})
	var refused *domain.RefusedError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, domain.Delivering, refused.State)

	recalled, said := apply(t, gone, domain.CancelByStaff)
	require.True(t, recalled.Recall)
	require.Equal(t, []domain.Announcement{domain.AnnounceCancelRequested}, said)
	back, _ := apply(t, recalled, domain.ShipmentReturned)
	require.Equal(t, domain.Cancelled, back.State)
	require.Equal(t, domain.ByStaff, back.Reason)
}

// A recall overtakes the answer to the customer's request: that answer refuses nothing any more.
func TestAnAnswerToAnOlderRequestIsNoAnswer(t *testing.T) {
	paid, _ := apply(t, domain.Status{State: domain.Pending}, domain.StockWasReserved, domain.MoneyWasAuthorized, domain.MoneyWasCaptured)
	step := func(s domain.Status, in domain.Input) (domain.Status, domain.Announcement) {
		next, what, err := s.Apply(in)
		require.NoError(t, err)
		return next, what
	}
	refusal := func(request int64) domain.Input {
		return domain.Input{Kind: domain.ShipmentStopRefused, Request: request}
	}
	asked, _ := step(paid, domain.Input{Kind: domain.CancelByCustomer, Version: 5})
	recalled, what := step(asked, domain.Input{Kind: domain.CancelByStaff, Reason: domain.ByStaff, Recall: true, Version: 6})
	require.Equal(t, domain.AnnounceCancelRequested, what)
	after, what := step(recalled, refusal(5))
	require.Equal(t, recalled, after)
	require.Empty(t, what)
	after, what = step(after, refusal(6))
	require.False(t, after.CancelRequested())
	require.Equal(t, domain.AnnounceCancelRefused, what)
	_, what = step(after, refusal(6))
	require.Empty(t, what)
}

// Every input in every status that inputs can lead to: states never go back, terminal ones never change, nothing is
// announced twice, and news are never refused.
func TestEveryReachableStatus(t *testing.T) {
	start := domain.Status{State: domain.Pending}
	seen := map[domain.Status]bool{start: true}
	queue := []domain.Status{start}
	rank := map[domain.State]int{}
	for i, state := range domain.States() {
		rank[state] = i
	}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		for _, kind := range domain.Kinds() {
			next, what, err := s.Apply(inputFor(kind))
			if err != nil {
				require.Contains(t, []domain.Kind{domain.CancelByCustomer, domain.CancelByStaff}, kind, "news are facts")
				require.Equal(t, s, next, "a refused command changes nothing")
				continue
			}
			require.GreaterOrEqual(t, rank[next.State], rank[s.State], "%s in %+v", kind, s)
			if s.State.Terminal() {
				require.Equal(t, s.State, next.State)
				require.Empty(t, what)
			}
			require.Equal(t, next.State == domain.Cancelled, next.Reason != "", "a reason says why it was cancelled: %+v", next)
			again, twice, err := next.Apply(inputFor(kind))
			if err == nil {
				require.Equal(t, next, again, "a repeated %s changes nothing", kind)
				require.Empty(t, twice, "a repeated %s announces nothing", kind)
			}
			if !seen[next] {
				seen[next] = true
				queue = append(queue, next)
			}
		}
	}
	require.Greater(t, len(seen), 50)
}

// Whatever order the news of both facts come in, and however often, a pending order ends the same way.
func TestTheOrderOfArrivalDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stock := rapid.SampledFrom([]domain.Kind{domain.StockWasReserved, domain.StockWasRejected}).Draw(t, "stock")
		money := rapid.SampledFrom([]domain.Kind{domain.MoneyWasAuthorized, domain.MoneyWasDeclined}).Draw(t, "money")
		news := rapid.Permutation([]domain.Kind{stock, money, stock, money}).Draw(t, "news")
		s, said := apply(t, domain.Status{State: domain.Pending}, news...)
		if stock == domain.StockWasReserved && money == domain.MoneyWasAuthorized {
			require.Equal(t, []domain.Announcement{domain.AnnounceConfirmed}, said)
			return
		}
		require.Equal(t, domain.Cancelled, s.State)
		require.Equal(t, []domain.Announcement{domain.AnnounceCancelled}, said)
	})
}
