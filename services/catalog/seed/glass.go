package seed

import (
	"fmt"
	"math"
	"strings"
)

// glassShape is a glass as half widths over heights, from the bottom of its
// bowl to the rim; stem is how far the bowl is above the table.
type glassShape struct {
	stem    float64
	profile [][2]float64 // height, half width
}

var (
	stange = glassShape{0, [][2]float64{{0, 25}, {12, 27}, {210, 31}}}
	flute  = glassShape{46, [][2]float64{{0, 11}, {14, 19}, {70, 30}, {140, 37}, {196, 38}}}
	weizen = glassShape{0, [][2]float64{{0, 29}, {16, 27}, {52, 25}, {120, 35}, {190, 45}, {228, 46}, {258, 42}}}
	nonic  = glassShape{0, [][2]float64{{0, 32}, {10, 34}, {128, 43}, {152, 49}, {172, 47}, {206, 47}}}
	tulip  = glassShape{56, [][2]float64{{0, 8}, {12, 28}, {40, 46}, {78, 51}, {116, 44}, {140, 42}, {164, 47}}}
	tumble = glassShape{0, [][2]float64{{0, 36}, {10, 38}, {90, 44}, {172, 51}}}
	snift  = glassShape{42, [][2]float64{{0, 8}, {12, 32}, {38, 51}, {66, 54}, {104, 47}, {142, 37}}}
	bowl   = glassShape{52, [][2]float64{{0, 8}, {14, 34}, {50, 50}, {92, 55}, {132, 56}}}
)

func glassFor(b Beer, s Style) glassShape {
	switch {
	case s.ID == "koelsch" || s.ID == "altbier":
		return stange
	case s.ID == "witbier" || s.ID == "gose":
		return tumble
	case s.ID == "berliner-weisse" || s.ID == "belgian-dubbel":
		return bowl
	case s.ID == "weissbier":
		return weizen
	case s.Family == "lager" || s.ID == "vienna-lager" || s.ID == "schwarzbier" || s.ID == "alcohol-free" && b.SRM < 6:
		return flute
	case s.Family == "belgian" || s.Family == "sour" || s.ID == "hazy-ipa":
		return tulip
	case s.Family == "strong":
		return snift
	default:
		return nonic
	}
}

// at interpolates the half width at a height, with smooth tangents.
func (g glassShape) at(y float64) float64 {
	p := g.profile
	last := len(p) - 1
	if y >= p[last][0] {
		return p[last][1]
	}
	i := 0
	for i < last-1 && y >= p[i+1][0] {
		i++
	}
	slope := func(k int) float64 {
		lo, hi := max(k-1, 0), min(k+1, last)
		return (p[hi][1] - p[lo][1]) / (p[hi][0] - p[lo][0])
	}
	span := p[i+1][0] - p[i][0]
	t := max(0, (y-p[i][0])/span)
	t2, t3 := t*t, t*t*t
	return (2*t3-3*t2+1)*p[i][1] + (t3-2*t2+t)*span*slope(i) + (3*t2-2*t3)*p[i+1][1] + (t3-t2)*span*slope(i+1)
}

func (g glassShape) height() float64 { return g.profile[len(g.profile)-1][0] }

// outline traces the glass between two heights, moved inwards by wall.
func (g glassShape) outline(low, high, wall, sag float64) string {
	var b strings.Builder
	cmd := byte('M')
	for y := low; ; y = min(y+4, high) {
		fmt.Fprintf(&b, "%c%.1f %.1f", cmd, -max(g.at(y)-wall, 1), -y)
		cmd = 'L'
		if y == high {
			break
		}
	}
	w := max(g.at(high)-wall, 1)
	fmt.Fprintf(&b, "Q0 %.1f %.1f %.1f", -high+sag, w, -high)
	for y := high; ; y = max(y-4, low) {
		fmt.Fprintf(&b, "L%.1f %.1f", max(g.at(y)-wall, 1), -y)
		if y == low {
			break
		}
	}
	fmt.Fprintf(&b, "Q0 %.1f %.1f %.1fZ", -low+5, -max(g.at(low)-wall, 1), -low)
	return b.String()
}

func (c *canvas) glass(g glassShape, b Beer) {
	const x, zoom = 306.0, 1.12
	d := newDice("glass " + b.Slug)
	top := g.height()
	bottom := 9.0
	level := top - 30 // where beer turns into foam
	crest := top + 9  // the foam's dome
	srm := b.SRM
	// Thick beer in the middle and thin beer at a lit edge differ in colour.
	see := func(cm float64) rgb { return beerColor(srm, cm) }
	froth := hsl(44, .75, .965).mix(hsl(31, .52, .42), min(.42, srm*srm/3200))

	c.f(`<defs>`)
	thin := .40 + srm/60 + max(0, srm-20)/16 // dark beer hardly glows at its edge
	c.gradient("beer", false, stop{0, 1, see(pathCM * 1.5)}, stop{.14, 1, see(pathCM * (thin + .2))}, stop{.30, 1, see(pathCM * thin)},
		stop{.52, 1, see(pathCM * (thin + .38))}, stop{.82, 1, see(pathCM * 1.1)}, stop{1, 1, see(pathCM * 1.7)})
	c.gradient("depth", true, stop{0, .18, white}, stop{.4, 0, white}, stop{1, .24, black})
	c.gradient("foam", false, stop{0, 1, froth.mix(black, .13)}, stop{.28, 1, froth.mix(white, .65)}, stop{.7, 1, froth}, stop{1, 1, froth.mix(black, .16)})
	c.gradient("clear", false, stop{0, .50, white}, stop{.2, .16, white}, stop{.75, .10, white}, stop{1, .42, white})
	c.f(`<clipPath id="%s-bowl"><path d="%s"/></clipPath>`, c.id, g.outline(bottom-4, level+2, 3.5, 0))
	c.f(`</defs>`)
	base := g.at(0) * zoom
	if g.stem > 0 {
		base = 34 * zoom
	}
	c.shadow(x, base)
	// Beer throws its colour on the table, too.
	c.f(`<ellipse cx="%.1f" cy="%.1f" rx="%.1f" ry="7" fill="%s" opacity=".18"/>`, x+base*.7, ground+4, base*1.1, see(pathCM*.5))
	c.f(`<g transform="translate(%.1f %.1f) scale(%.2f)">`, x, ground-g.stem*zoom, zoom)
	if g.stem > 0 {
		c.foot(g.stem, see(pathCM*.6))
	}
	edge := c.pal.ink.mix(white, .35)
	c.f(`<path d="%s" fill="%s" stroke="%s" stroke-opacity=".38" stroke-width="1.2"/>`, g.outline(0, top, 0, 6), c.url("clear"), edge)
	body := g.outline(bottom-4, level, 3.5, 0)
	c.f(`<path d="%s" fill="%s"/><path d="%s" fill="%s"/>`, body, c.url("beer"), body, c.url("depth"))
	if srm < 24 {
		c.fizz(g, d, bottom, level)
	}
	c.head(g, d, froth, level, top, crest)
	// Reflections over everything.
	c.f(`<path d="%s" fill="none" stroke="#fff" stroke-opacity=".62" stroke-width="4.5" stroke-linecap="round"/>`, g.side(-.74, bottom+14, top-10))
	c.f(`<path d="%s" fill="none" stroke="#fff" stroke-opacity=".30" stroke-width="2.5" stroke-linecap="round"/>`, g.side(.84, bottom+24, level-12))
	c.f(`</g>`)
}

// side follows the glass at a share of its half width.
func (g glassShape) side(share, low, high float64) string {
	var b strings.Builder
	cmd := byte('M')
	for y := low; y <= high; y += 4 {
		fmt.Fprintf(&b, "%c%.1f %.1f", cmd, share*g.at(y), -y)
		cmd = 'L'
	}
	return b.String()
}

func (c *canvas) foot(stem float64, tint rgb) {
	e := c.pal.ink.mix(white, .35)
	c.f(`<ellipse cy="%.1f" rx="34" ry="6.5" fill="#fff" fill-opacity=".62" stroke="%s" stroke-opacity=".45"/>`, stem-2, e)
	c.f(`<ellipse cy="%.1f" rx="22" ry="3.6" fill="%s" opacity=".28"/>`, stem-2.5, tint)
	c.f(`<path d="M-9 -3 C-4 8 -4 12 -4 %.1f C-4 %.1f -12 %.1f -20 %.1f H20 C12 %.1f 4 %.1f 4 %.1f C4 12 4 8 9 -3 Z" fill="#fff" fill-opacity=".68" stroke="%s" stroke-opacity=".35"/>`,
		stem-18, stem-9, stem-5, stem-3, stem-5, stem-9, stem-18, e)
	c.f(`<path d="M-1.5 4 V%.1f" stroke="#fff" stroke-width="2" stroke-linecap="round"/>`, stem-12)
}

// fizz sets small bubbles into the beer.
func (c *canvas) fizz(g glassShape, d *dice, bottom, level float64) {
	c.f(`<g clip-path="%s" fill="#fff">`, c.url("bowl"))
	for range 26 {
		y := d.in(bottom+8, level-6)
		x := d.in(-.78, .78) * (g.at(y) - 4)
		c.f(`<circle cx="%.1f" cy="%.1f" r="%.1f" opacity="%.2f"/>`, x, -y, d.in(.7, 2), d.in(.22, .6))
	}
	c.f(`</g>`)
}

// head is the foam: a collar inside the glass and a bumpy dome above its rim.
func (c *canvas) head(g glassShape, d *dice, froth rgb, level, top, crest float64) {
	w := g.at(top) - 2.5
	c.f(`<path d="M%.1f %.1f`, -(g.at(level) - 3.5), -level)
	for y := level + 4; y < top; y += 4 {
		c.f(`L%.1f %.1f`, -(g.at(y) - 3), -y)
	}
	c.f(`L%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f`, -w, -top, -w-4, -top-6, -w+2, -crest, -w+2, -crest)
	bumps := 4 + d.n(2)
	step := (2*w - 4) / float64(bumps)
	for i := range bumps {
		to := -w + 2 + step*float64(i+1)
		lift := 7 * math.Sin(math.Pi*(float64(i)+.5)/float64(bumps))
		end := -crest - 5*math.Sin(math.Pi*float64(i+1)/float64(bumps))
		c.f(`Q%.1f %.1f %.1f %.1f`, to-step/2, -crest-lift-d.in(6, 11), to, end)
	}
	c.f(`C%.1f %.1f %.1f %.1f %.1f %.1f`, w+4, -top-6, w, -top, w, -top)
	for y := top - 2; y > level; y -= 4 {
		c.f(`L%.1f %.1f`, g.at(y)-3, -y)
	}
	wl := g.at(level) - 3.5
	c.f(`L%.1f %.1f`, wl, -level)
	const scallops = 6
	for i := range scallops {
		s := 2 * wl / scallops
		at := wl - s*float64(i)
		c.f(`Q%.1f %.1f %.1f %.1f`, at-s/2, -level+d.in(3, 8), at-s, -level)
	}
	c.f(`Z" fill="%s"/>`, c.url("foam"))
	for range 16 {
		y := d.in(level+3, top+4)
		x := d.in(-.8, .8) * (g.at(y) - 4)
		c.f(`<circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s" opacity=".5"/>`, x, -y, d.in(1, 3.2), froth.mix(black, .07))
	}
}
