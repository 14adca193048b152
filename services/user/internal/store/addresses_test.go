package store_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/user/internal/domain"
)

func (f fixture) save(u domain.User, city string, isDefault bool) domain.Address {
	f.t.Helper()
	saved, err := f.CreateAddress(f.t.Context(), domain.Address{
		ID: newID(), UserID: u.ID, Recipient: "R", Street: "S", City: city, PostalCode: "12345", Country: "DE", IsDefault: isDefault,
	})
	require.NoError(f.t, err)
	return saved
}

// cities returns the cities of a user's addresses in order; that of the default is marked.
func (f fixture) cities(u domain.User) []string {
	f.t.Helper()
	addresses, err := f.Addresses(f.t.Context(), u.ID)
	require.NoError(f.t, err)
	var cities []string
	for _, a := range addresses {
		if a.IsDefault {
			a.City += "*"
		}
		cities = append(cities, a.City)
	}
	return cities
}

func TestThereIsAlwaysOneDefault(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		u := f.create("ann@example.com", domain.Customer)
		a := f.save(u, "A", false)
		require.True(t, a.IsDefault, "the first in any case")
		b := f.save(u, "B", false)
		c := f.save(u, "C", true)
		require.Equal(t, []string{"C*", "A", "B"}, f.cities(u))

		b.City, b.IsDefault = "B2", true
		updated, err := f.UpdateAddress(t.Context(), b)
		require.NoError(t, err)
		require.True(t, updated.IsDefault)
		require.Equal(t, []string{"B2*", "A", "C"}, f.cities(u))

		b.IsDefault = false
		updated, err = f.UpdateAddress(t.Context(), b)
		require.NoError(t, err)
		require.True(t, updated.IsDefault, "it stays the default until another one is")

		require.NoError(t, f.DeleteAddress(t.Context(), u.ID, b.ID))
		require.Equal(t, []string{"A*", "C"}, f.cities(u))
		require.NoError(t, f.DeleteAddress(t.Context(), u.ID, c.ID))
		require.Equal(t, []string{"A*"}, f.cities(u))
		require.NoError(t, f.DeleteAddress(t.Context(), u.ID, a.ID))
		require.Empty(t, f.cities(u))
		require.Equal(t, "ADDRESS_NOT_FOUND", fault.ReasonOf(f.DeleteAddress(t.Context(), u.ID, a.ID)))

		require.NoError(t, f.exec(`INSERT INTO addresses SELECT 'x', ?, 'R', 'S', 'C', '12345', 'DE', '', true, created_at, updated_at FROM users WHERE id = ?`, u.ID, u.ID))
		require.Error(t, f.exec(`INSERT INTO addresses SELECT 'y', ?, 'R', 'S', 'C', '12345', 'DE', '', true, created_at, updated_at FROM users WHERE id = ?`, u.ID, u.ID),
			"the database itself refuses a second default")
	})
}

func TestAddressesBelongToTheirUser(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		ann, bob := f.create("ann@example.com", domain.Customer), f.create("bob@example.com", domain.Customer)
		a := f.save(ann, "A", false)

		stolen := a
		stolen.UserID, stolen.City = bob.ID, "B"
		_, err := f.UpdateAddress(t.Context(), stolen)
		require.Equal(t, "ADDRESS_NOT_FOUND", fault.ReasonOf(err))
		require.Equal(t, "ADDRESS_NOT_FOUND", fault.ReasonOf(f.DeleteAddress(t.Context(), bob.ID, a.ID)))
		require.Equal(t, []string{"A*"}, f.cities(ann))
		require.Empty(t, f.cities(bob))
	})
}

func TestConcurrentAddressesStayWithinTheBound(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		u := f.create("ann@example.com", domain.Customer)
		var refused atomic.Int64
		var group sync.WaitGroup
		for n := range 50 {
			group.Go(func() {
				_, err := f.CreateAddress(t.Context(), domain.Address{ID: newID(), UserID: u.ID, City: fmt.Sprint(n), IsDefault: n%3 == 0})
				switch {
				case fault.ReasonOf(err) == "TOO_MANY_ADDRESSES":
					refused.Add(1)
				case err != nil:
					t.Error(err)
				}
			})
		}
		group.Wait()
		require.EqualValues(t, 30, refused.Load())
		require.Len(t, f.cities(u), domain.MaxAddresses)
		require.Equal(t, 1, f.count(`SELECT count(*) FROM addresses WHERE user_id = ? AND is_default`, u.ID))
	})
}
