package throttle

import "time"

// Patient has t wait for Redis however busy the machine is.
func Patient(t *Throttle) *Throttle {
	t.patience = time.Minute
	return t
}
