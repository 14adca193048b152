package domain_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/shipping/internal/domain"
)

// inputs are everything that can happen, in variants that make a difference.
func inputs() []domain.Input {
	return []domain.Input{
		{Kind: domain.OrderPaid},
		{Kind: domain.StopRequested, Reason: "CUSTOMER", Request: 5},
		{Kind: domain.StopRequested, Reason: "STAFF", Request: 6, Recall: true},
		{Kind: domain.StartAssembly},
		{Kind: domain.FinishAssembly},
		{Kind: domain.HandOver},
		{Kind: domain.CourierMoved, Step: 1, Progress: 20},
		{Kind: domain.CourierMoved, Step: 2, Progress: 40},
		{Kind: domain.CourierDelivered},
		{Kind: domain.CourierReturned},
		{Kind: domain.StaffHandOver, Carriage: byPost},
		{Kind: domain.StaffDelivered},
		{Kind: domain.StaffReturned},
	}
}

var (
	byCourier = domain.Carriage{By: domain.ByCourier}
	byPost    = domain.Carriage{By: domain.ByCarrier, Carrier: "DHL", Reference: "JD0146"}

	cancel = domain.Input{Kind: domain.StopRequested, Reason: "CUSTOMER", Request: 5}
	recall = domain.Input{Kind: domain.StopRequested, Reason: "STAFF", Request: 6, Recall: true}
)

func apply(t *testing.T, s domain.Status, steps ...domain.Input) (domain.Status, []domain.Announcement) {
	t.Helper()
	var said []domain.Announcement
	for _, in := range steps {
		next, what, err := s.Apply(in)
		require.NoError(t, err, "%s in %q", in.Kind, s.State)
		s, said = next, append(said, what...)
	}
	return s, said
}

func in(kinds ...domain.Kind) []domain.Input {
	out := make([]domain.Input, len(kinds))
	for i, kind := range kinds {
		out[i] = domain.Input{Kind: kind}
	}
	return out
}

func TestAnUndisturbedLife(t *testing.T) {
	s, said := apply(t, domain.Status{}, in(domain.OrderPaid, domain.StartAssembly, domain.FinishAssembly, domain.HandOver, domain.CourierDelivered)...)
	require.Equal(t, domain.Status{State: domain.Delivered, Progress: 100, Carriage: byCourier}, s)
	require.Equal(t, []domain.Announcement{
		domain.AnnounceCreated, domain.AnnounceAssemblyStarted, domain.AnnounceAssembled, domain.AnnouncePackage,
		domain.AnnounceHandedOver, domain.AnnounceDelivered,
	}, said)
}

func TestACancellationStopsUntilTheHandOver(t *testing.T) {
	way := in(domain.OrderPaid, domain.StartAssembly, domain.FinishAssembly)
	for n := range len(way) + 1 {
		s, _ := apply(t, domain.Status{}, way[:n]...)
		s, said := apply(t, s, cancel)
		require.Equal(t, domain.Stopped, s.State, "after %d steps", n)
		require.Equal(t, []domain.Announcement{domain.AnnounceStopped}, said)
		s, said = apply(t, s, append(in(domain.OrderPaid, domain.HandOver), cancel, recall)...)
		require.Equal(t, domain.Stopped, s.State)
		require.Empty(t, said, "the late payment makes no shipment, and asking again changes nothing")
	}
}

func TestAfterTheHandOverOnlyARecallBringsItBack(t *testing.T) {
	gone, _ := apply(t, domain.Status{}, in(domain.OrderPaid, domain.StartAssembly, domain.FinishAssembly, domain.HandOver)...)

	s, said := apply(t, gone, cancel, cancel)
	require.Equal(t, domain.HandedOver, s.State)
	require.Equal(t, []domain.Announcement{domain.AnnounceStopRefused}, said, "once")

	s, said = apply(t, s, recall, recall, cancel, domain.Input{Kind: domain.HandOver})
	require.Equal(t, domain.Returning, s.State)
	require.Empty(t, said)

	back, said := apply(t, s, in(domain.CourierReturned)...)
	require.Equal(t, domain.Returned, back.State)
	require.Equal(t, "STAFF", back.Reason)
	require.Equal(t, []domain.Announcement{domain.AnnounceReturned}, said)

	late, said := apply(t, s, in(domain.CourierDelivered)...)
	require.Equal(t, domain.Delivered, late.State, "what the courier did is a fact")
	require.Equal(t, []domain.Announcement{domain.AnnounceStopRefused, domain.AnnounceDelivered}, said)
}

// handOver is a hand-over by staff.
var handOver = domain.Input{Kind: domain.StaffHandOver, Carriage: byPost}

func TestWhatStaffHandOverTheyBringToAnEnd(t *testing.T) {
	packed, _ := apply(t, domain.Status{}, in(domain.OrderPaid, domain.StartAssembly, domain.FinishAssembly)...)
	gone, said := apply(t, packed, handOver)
	require.Equal(t, domain.Status{State: domain.HandedOver, Carriage: byPost}, gone)
	require.Equal(t, []domain.Announcement{domain.AnnounceHandedOver}, said)

	s, said := apply(t, gone, in(domain.StaffDelivered)...)
	require.Equal(t, domain.Status{State: domain.Delivered, Progress: 100, Carriage: byPost}, s)
	require.Equal(t, []domain.Announcement{domain.AnnounceDelivered}, said)

	s, said = apply(t, gone, in(domain.StaffReturned)...)
	require.Equal(t, domain.Status{State: domain.Returned, Reason: domain.NotTaken, Carriage: byPost}, s, "nobody took it")
	require.Equal(t, []domain.Announcement{domain.AnnounceReturned}, said)

	fraud := recall
	fraud.Reason = "FRAUD"
	s, said = apply(t, gone, append([]domain.Input{fraud}, in(domain.StaffReturned)...)...)
	require.Equal(t, "FRAUD", s.Reason)
	require.Equal(t, []domain.Announcement{domain.AnnounceReturned}, said)
	s, said = apply(t, gone, append([]domain.Input{fraud}, in(domain.StaffDelivered)...)...)
	require.Equal(t, domain.Delivered, s.State, "what happened is a fact")
	require.Equal(t, []domain.Announcement{domain.AnnounceStopRefused, domain.AnnounceDelivered}, said)
}

func TestOnlyWhoTookTheParcelMovesIt(t *testing.T) {
	packed, _ := apply(t, domain.Status{}, in(domain.OrderPaid, domain.StartAssembly, domain.FinishAssembly)...)
	couriers, _ := apply(t, packed, in(domain.HandOver)...)
	staffs, said := apply(t, packed, handOver, domain.Input{Kind: domain.HandOver})
	require.Equal(t, byPost, staffs.Carriage, "a courier who comes too late changes nothing")
	require.Equal(t, []domain.Announcement{domain.AnnounceHandedOver}, said)
	for _, test := range []struct {
		name string
		of   domain.Status
		by   []domain.Kind
	}{
		{"before the hand-over", packed, []domain.Kind{domain.StaffDelivered, domain.StaffReturned, domain.CourierMoved, domain.CourierDelivered, domain.CourierReturned}},
		{"a courier's", couriers, []domain.Kind{domain.StaffHandOver, domain.StaffDelivered, domain.StaffReturned}},
		{"a staff's", staffs, []domain.Kind{domain.StaffHandOver, domain.CourierMoved, domain.CourierDelivered, domain.CourierReturned}},
	} {
		for _, kind := range test.by {
			_, _, err := test.of.Apply(domain.Input{Kind: kind})
			var refused *domain.RefusedError
			require.ErrorAs(t, err, &refused, "%s: %s", test.name, kind)
		}
	}
}

func TestMovesThatWereOvertakenChangeNothing(t *testing.T) {
	gone, _ := apply(t, domain.Status{}, in(domain.OrderPaid, domain.StartAssembly, domain.FinishAssembly, domain.HandOver)...)
	s, _ := apply(t, gone, domain.Input{Kind: domain.CourierMoved, Step: 2, Progress: 40}, domain.Input{Kind: domain.CourierMoved, Step: 1, Progress: 20})
	require.EqualValues(t, 40, s.Progress)
}

// life is a status with what was announced on the way to it.
type life struct {
	domain.Status
	said string
}

// Every input in every status that inputs can lead to, by every way: terminal states stay, repeats change nothing, a
// shipment is either stopped or handed over, and nothing that ends a life is announced twice.
func TestEveryReachableStatus(t *testing.T) {
	seen := map[life]bool{{}: true}
	queue := []life{{}}
	states := map[domain.State]bool{}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		states[s.State] = true
		for _, in := range inputs() {
			next, what, err := s.Apply(in)
			if err != nil {
				require.NotContains(t, []domain.Kind{domain.OrderPaid, domain.StopRequested}, in.Kind, "come in any order")
				require.Equal(t, s.Status, next, "what is refused changes nothing")
				require.Empty(t, what)
				continue
			}
			if s.State.Terminal() {
				require.Equal(t, s.State, next.State, "%s in %+v", in.Kind, s)
				for _, w := range what {
					require.Equal(t, domain.AnnounceStopRefused, w, "%s in %+v", in.Kind, s)
				}
			}
			if len(what) > 0 {
				require.NotEqual(t, s.Status, next, "what is announced is remembered, or a repeat would announce it again")
			}
			again, twice, err := next.Apply(in)
			require.Equal(t, next, again, "a repeated %s changes nothing", in.Kind)
			if err == nil {
				require.Empty(t, twice, "a repeated %s announces nothing", in.Kind)
			}
			said := s.said
			for _, w := range what {
				if w == domain.AnnounceStopRefused {
					continue // each request has its answer
				}
				require.NotContains(t, said, "|"+string(w)+"|", "announced twice: %s in %+v", in.Kind, s)
				said += "|" + string(w) + "|"
			}
			require.False(t, has(said, domain.AnnounceStopped) && has(said, domain.AnnounceHandedOver), "both won: %s in %+v", in.Kind, s)
			require.Equal(t, has(said, domain.AnnounceStopped), next.State == domain.Stopped)
			require.Equal(t, slices.Contains([]domain.State{domain.Stopped, domain.Returning, domain.Returned}, next.State), next.Reason != "")
			require.Equal(t, has(said, domain.AnnounceHandedOver), next.Carriage.By != domain.ByNobody)
			if s.Carriage.By != domain.ByNobody {
				require.Equal(t, s.Carriage, next.Carriage, "it stays with who took it")
			}
			if l := (life{next, said}); !seen[l] {
				seen[l] = true
				queue = append(queue, l)
			}
		}
	}
	require.Len(t, states, len(domain.States())+1)
	require.Greater(t, len(seen), 30)
}

func has(said string, what domain.Announcement) bool {
	return strings.Contains(said, "|"+string(what)+"|")
}
