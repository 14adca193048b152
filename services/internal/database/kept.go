package database

// Kept returns what this process keeps in memory about the database under a key, the same value each time until the database is
// closed; create makes it. It is for packages whose tables every service has.
func Kept[T any](db *DB, key string, create func() T) T {
	known, ok := db.kept.Load(key)
	if !ok {
		known, _ = db.kept.LoadOrStore(key, create())
	}
	value, _ := known.(T) // one package uses one key for one type
	return value
}

// DB returns the database of the transaction.
func (tx *Tx) DB() *DB { return tx.db }
