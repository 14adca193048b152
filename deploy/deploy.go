// Package deploy holds what runs the shop in containers. There is no program here: its tests read the files with the
// libraries of those who will read them, and hold them against the shop's own program and the parts that they are for.
package deploy
