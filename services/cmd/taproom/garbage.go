package main

import (
	"os"
	"runtime/debug"
)

// garbagePercent is how much garbage may pile up beside what is in use before it is collected.
const garbagePercent = 200

// collectLess ends the time of starting up, which needs several times the memory of what follows: that memory goes back.
// What stays in use is little, some 10 MB, so that collecting it whenever it has doubled, as Go does by itself, takes a
// tenth of the time of each call. An operator's GOGC counts more.
func collectLess() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	debug.FreeOSMemory()
}
