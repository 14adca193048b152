package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"entgo.io/ent/dialect"

	"github.com/taproom-shop/taproom/services/internal/database"
)

// Fresh records that consumer takes effect of the events in this transaction and tells which of them are new to it: only
// those may have an effect. Every id given is a key of the answer. Who takes the same events at the same time waits for
// this transaction to end.
func Fresh(ctx context.Context, tx *database.Tx, consumer string, ids []string) (map[string]bool, error) {
	fresh := make(map[string]bool, len(ids))
	if len(ids) == 0 {
		return fresh, nil
	}
	sorted := slices.Compact(slices.Sorted(slices.Values(ids))) // in one order for all, so that nobody deadlocks
	for _, id := range sorted {
		fresh[id] = false
	}
	list, err := json.Marshal(sorted)
	if err != nil {
		return nil, err
	}
	statement := `INSERT INTO inbox (consumer, event_id, received_at)
		SELECT ?, value, ? FROM json_each(?) WHERE true ON CONFLICT DO NOTHING RETURNING event_id`
	if tx.Dialect() == dialect.Postgres {
		statement = `INSERT INTO inbox (consumer, event_id, received_at)
			SELECT CAST(? AS text), value, CAST(? AS timestamptz) FROM json_array_elements_text(CAST(? AS json)) ON CONFLICT DO NOTHING RETURNING event_id`
	}
	rows, err := tx.Query(ctx, statement, consumer, tx.Now(), string(list))
	if err != nil {
		return nil, fmt.Errorf("writing to the inbox: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("writing to the inbox: %w", err)
		}
		fresh[id] = true
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("writing to the inbox: %w", err)
	}
	return fresh, nil
}
