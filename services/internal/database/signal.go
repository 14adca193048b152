package database

// Signal wakes one listener in this process. Many notifications before it listens again wake it once.
type Signal struct{ wake chan struct{} }

// Notify wakes the listener; it never blocks.
func (s *Signal) Notify() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// C delivers the wake-ups.
func (s *Signal) C() <-chan struct{} { return s.wake }

// Signal returns the database's signal of that name, always the same one. Writers notify it through Tx.AfterCommit; who
// listens under the name finds what they have written.
func (db *DB) Signal(name string) *Signal {
	known, _ := db.signals.LoadOrStore(name, &Signal{wake: make(chan struct{}, 1)})
	signal, _ := known.(*Signal) // nothing else is stored
	return signal
}
