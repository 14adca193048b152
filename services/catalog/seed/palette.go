package seed

import (
	"hash/fnv"
	"math"
)

// palette is a brewery's set of colours.
type palette struct {
	ink, deep, base, mid, soft rgb // one hue, from dark to light
	accent, paper              rgb // a contrasting hue and the label's paper
	serif                      bool
}

func hash(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	v := h.Sum64()
	// FNV's low bits differ little between short names; fold them once more.
	v ^= v >> 31
	v *= 0x9e3779b97f4a7c15
	return v ^ v>>29
}

// hsl converts hue (degrees), saturation and lightness (0..1) to sRGB.
func hsl(h, s, l float64) rgb {
	h = math.Mod(math.Mod(h, 360)+360, 360)
	f := func(n float64) float64 {
		k := math.Mod(n+h/30, 12)
		return l - s*min(l, 1-l)*max(-1, min(k-3, 9-k, 1))
	}
	return rgb{f(0), f(8), f(4)}
}

// breweryPalette derives the colours from the brewery's id alone, so that all
// of its labels look related.
func breweryPalette(id string) palette {
	v := hash(id)
	hue := float64(v % 360)
	turn := []float64{38, 160, 185, 205, 322}[v>>16%5]
	sat := 0.40 + float64(v>>24%20)/100
	if hue > 255 && hue < 345 {
		sat *= .72 // violet and pink shout otherwise
	}
	return palette{
		ink:    hsl(hue+6, sat, 0.13),
		deep:   hsl(hue+4, sat, 0.23),
		base:   hsl(hue, sat, 0.36),
		mid:    hsl(hue-8, sat-0.02, 0.55),
		soft:   hsl(hue-14, sat-0.06, 0.80),
		accent: hsl(hue+turn, 0.76, 0.62),
		paper:  hsl(42, 0.58, 0.95),
		serif:  v>>40%2 == 0,
	}
}

// dice is a small deterministic source of variation (xorshift64*).
type dice struct{ state uint64 }

func newDice(seed string) *dice { return &dice{hash(seed) | 1} }

func (d *dice) next() uint64 {
	d.state ^= d.state >> 12
	d.state ^= d.state << 25
	d.state ^= d.state >> 27
	return d.state * 0x2545f4914f6cdd1d
}

// n returns 0..k-1.
func (d *dice) n(k int) int { return int(d.next() >> 33 % uint64(k)) }

// in returns a number between lo and hi.
func (d *dice) in(lo, hi float64) float64 {
	return lo + (hi-lo)*float64(d.next()>>11)/(1<<53)
}
