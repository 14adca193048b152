package database_test

import (
	"context"
	"io"
	"sync"
	"testing"
	"testing/fstest"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql/schema"
	"entgo.io/ent/schema/field"
	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
)

// crates returns migrations whose versions are the given statements, the same for both databases.
func crates(statements ...string) database.Migrations {
	files := fstest.MapFS{}
	for i, statement := range statements {
		for _, folder := range []string{"sqlite", "postgres"} {
			files[folder+"/0000"+string(rune('1'+i))+"_step.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + statement + ";\n")}
		}
	}
	return database.Migrations{Name: "crates", FS: files}
}

const (
	makeCrates = "CREATE TABLE crates (id bigint PRIMARY KEY)"
	nameCrates = "ALTER TABLE crates ADD COLUMN name text"
)

func TestMigrateAndCheck(t *testing.T) {
	databasetest.Each(t, nil, func(t *testing.T, db *database.DB) {
		one, two := crates(makeCrates), crates(makeCrates, nameCrates)
		require.EqualError(t, database.Check(t.Context(), db, one), "the database lacks version 1 of crates: run `taproom migrate`")
		require.Error(t, database.Check(t.Context(), db, one), "a check makes nothing")

		require.NoError(t, database.Migrate(t.Context(), db, one))
		require.NoError(t, database.Migrate(t.Context(), db, one), "a second time does nothing")
		require.NoError(t, database.Check(t.Context(), db, one))
		require.ErrorContains(t, database.Check(t.Context(), db, two), "lacks version 2")

		require.NoError(t, database.Migrate(t.Context(), db, two, database.Migrations{Name: "others", FS: crates("CREATE TABLE others (id bigint)").FS}))
		require.NoError(t, database.Check(t.Context(), db, two), "each name has versions of its own")
		require.ErrorContains(t, database.Check(t.Context(), db, one), "doesn't know")
		require.ErrorContains(t, database.Migrate(t.Context(), db, one), "doesn't know")
	})
}

func TestFailedMigrationLeavesNothing(t *testing.T) {
	databasetest.Each(t, nil, func(t *testing.T, db *database.DB) {
		require.Error(t, database.Migrate(t.Context(), db, crates(makeCrates+"; INSERT INTO nowhere VALUES (1)")))
		require.NoError(t, database.Migrate(t.Context(), db, crates(makeCrates)))
	})
}

func TestPostgresMigratesOnceWhenManyTry(t *testing.T) {
	db := databasetest.Postgres(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := database.Migrate(t.Context(), db, crates(makeCrates, nameCrates)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.NoError(t, database.Check(t.Context(), db, crates(makeCrates, nameCrates)))
}

func TestAssertCurrent(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		id := &schema.Column{Name: "id", Type: field.TypeInt64}
		table := &schema.Table{Name: "crates", Columns: []*schema.Column{id}, PrimaryKey: []*schema.Column{id}}
		missing := false
		write := func(ctx context.Context, driver dialect.Driver, w io.Writer) error {
			tables := []*schema.Table{table}
			if missing {
				tables = append(tables, &schema.Table{Name: "shelves", Columns: []*schema.Column{id}, PrimaryKey: []*schema.Column{id}})
			}
			migrate, err := schema.NewMigrate(&schema.WriteDriver{Driver: driver, Writer: w}, schema.WithGlobalUniqueID(false))
			if err != nil {
				return err
			}
			return migrate.Create(ctx, tables...)
		}
		databasetest.AssertCurrent(t, db, write)

		missing = true
		verdict := new(recorder)
		func() {
			defer func() { require.Equal(t, testEnds, recover()) }()
			databasetest.AssertCurrent(verdict, db, write)
		}()
		require.True(t, verdict.failed)
	})
}

const testEnds = "FailNow does not return"

// recorder is a testing.TB that only notes that a test would have failed.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper()                  {}
func (r *recorder) Name() string             { return "recorder" }
func (r *recorder) Context() context.Context { return context.Background() }
func (r *recorder) Errorf(string, ...any)    { r.failed = true }
func (r *recorder) FailNow()                 { panic(testEnds) }
