package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/shipping"
	"github.com/taproom-shop/taproom/services/shipping/internal/store"
)

func TestMigrationsMakeWhatTheSchemaSays(t *testing.T) {
	databasetest.Each(t, shipping.Migrations(), func(t *testing.T, db *database.DB) {
		methods, err := store.New(db, nil).Methods(t.Context())
		require.NoError(t, err)
		require.Len(t, methods, 3)
		databasetest.AssertCurrent(t, db, store.WriteSchema)
	})
}
