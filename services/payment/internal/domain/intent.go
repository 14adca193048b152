package domain

import "time"

// AlarmAfter is how many tries an intent may take before each further one is an alarm.
const AlarmAfter = 8

const maxRetryDelay = time.Minute

// RetryDelay is how long to wait after the given try, counted from 1: first, then twice as long each time, up to a minute. It
// never ends: what was begun with a provider is brought to its end.
func RetryDelay(first time.Duration, try int) time.Duration {
	return min(first<<min(max(try-1, 0), 20), maxRetryDelay)
}
