package shoptest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"sync"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
)

// databaseKind names the environment variable that says what the shops of tests keep their data in: `sqlite`, the default,
// or `postgres`, a server that the test process starts for them.
const databaseKind = "TAPROOM_E2E_DATABASE"

// postgres is the server of this test process, which ends with it.
var postgres = sync.OnceValues(databasetest.StartServer)

// withDatabases are the services that may have a database.
var withDatabases = []string{
	"user", "catalog", "inventory", "cart", "order", "payment", "shipping", "notification", "review", "recommendation", "flashsale", "storefront", "admin",
}

// databases answers the flags by which a shop keeps its data where TAPROOM_E2E_DATABASE says, in new databases.
func databases(ctx context.Context) ([]string, error) {
	switch kind := os.Getenv(databaseKind); kind {
	case "", "sqlite":
		return nil, nil
	case "postgres":
	default:
		return nil, fmt.Errorf("%s is %q: write sqlite or postgres", databaseKind, kind)
	}
	server, err := postgres()
	if err != nil {
		return nil, err
	}
	location, err := url.Parse(server.URL)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("pgx", server.URL)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	prefix := "shop_" + NewID() + "_"
	for _, service := range withDatabases {
		if _, err := db.ExecContext(ctx, fmt.Sprintf("CREATE DATABASE %q TEMPLATE template0 STRATEGY file_copy", prefix+service)); err != nil {
			return nil, err
		}
	}
	return []string{fmt.Sprintf("--database-url=postgres://%s@/%s{service}?%s", location.User, prefix, location.RawQuery)}, nil
}
