package database

// Waiting returns how many callers of GroupTx wait for a group to be formed.
func (db *DB) Waiting() int {
	db.group.mu.Lock()
	defer db.group.mu.Unlock()
	return len(db.group.queue)
}

// Rebind is rebind.
var Rebind = rebind
