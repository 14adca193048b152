package journal

import (
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/taproom-shop/taproom/services/internal/database"
)

// Appended returns how many events of each type, by the message's short name, this process has committed to the outbox of
// db.
func Appended(db *database.DB) map[string]int64 {
	counts := make(map[string]int64)
	appended(db).Range(func(key, value any) bool {
		name, _ := key.(string) // nothing else is stored
		if count, ok := value.(*atomic.Int64); ok {
			counts[name] = count.Load()
		}
		return true
	})
	return counts
}

func appended(db *database.DB) *sync.Map {
	return database.Kept(db, "journal/appended", func() *sync.Map { return new(sync.Map) })
}

// countAppended counts events once tx is committed.
func countAppended(tx *database.Tx, msgs []proto.Message) {
	counts := appended(tx.DB())
	tx.AfterCommit(func() {
		for _, msg := range msgs {
			name := string(msg.ProtoReflect().Descriptor().Name())
			known, ok := counts.Load(name)
			if !ok {
				known, _ = counts.LoadOrStore(name, new(atomic.Int64))
			}
			if count, ok := known.(*atomic.Int64); ok {
				count.Add(1)
			}
		}
	})
}
