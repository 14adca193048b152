package seed

import "math"

// pattern paints a label's picture into the box x, y, w, h.
type pattern func(c *canvas, d *dice, s scheme, x, y, w, h float64)

// Textures repeat and may be covered anywhere; scenes need their whole box.
var (
	textures = []pattern{stripes, chevrons, hops, scales, bubbles, lattice}
	scenes   = []pattern{sunrise, mountains, waves, barley, moonlight, rooftops, forest, lighthouse}
)

// sky fills the box.
func (c *canvas) sky(s scheme, x, y, w, h float64) {
	c.f(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`, x, y, w, h, s.sky)
}

func stripes(c *canvas, d *dice, s scheme, x, y, w, h float64) {
	c.sky(s, x, y, w, h)
	colors := []rgb{s.far, s.near, s.spot}
	step := d.in(15, 21)
	for i, at := 0, x-h; at < x+w; i, at = i+1, at+step {
		c.f(`<path d="M%.1f %.1fl%.1f %.1f" stroke="%s" stroke-width="%.1f"/>`, at, y+h, h, -h, colors[i%3], step*.42)
	}
}

func chevrons(c *canvas, d *dice, s scheme, x, y, w, h float64) {
	c.sky(s, x, y, w, h)
	colors := []rgb{s.spot, s.far, s.near}
	tooth := w / float64(3+d.n(2))
	for row, at := 0, y-tooth*.2; at < y+h+tooth; row, at = row+1, at+tooth*.42 {
		c.f(`<path d="M%.1f %.1f`, x, at)
		for cx := x; cx < x+w; cx += tooth {
			c.f(`l%.1f %.1fl%.1f %.1f`, tooth/2, -tooth*.42, tooth/2, tooth*.42)
		}
		c.f(`" fill="none" stroke="%s" stroke-width="%.1f"/>`, colors[row%3], tooth*.16)
	}
}

func sunrise(c *canvas, d *dice, s scheme, x, y, w, h float64) {
	c.sky(s, x, y, w, h)
	cx, cy, r := x+w/2, y+h*.80, min(w, h)*.30
	rays := 18 + 2*d.n(4)
	for i := range rays {
		a := 2 * math.Pi * float64(i) / float64(rays)
		b := a + math.Pi/float64(rays)
		c.f(`<path d="M%.1f %.1fL%.1f %.1fL%.1f %.1fZ" fill="%s" opacity=".75"/>`, cx, cy, cx+2*h*math.Cos(a), cy+2*h*math.Sin(a), cx+2*h*math.Cos(b), cy+2*h*math.Sin(b), s.far)
	}
	c.f(`<circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s"/><circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s"/>`, cx, cy, r+4, s.sky, cx, cy, r, s.spot)
	c.hills(d, s.near, x, y+h*.86, w, h*.2, h*.06)
}

// hills draws a soft ridge down to the box's lower edge.
func (c *canvas) hills(d *dice, fill rgb, x, y, w, depth, lift float64) {
	c.f(`<path d="M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1fS%.1f %.1f %.1f %.1fV%.1fH%.1fZ" fill="%s"/>`, x, y+d.in(0, lift), x+w*.18, y-lift*1.6, x+w*.34, y-lift,
		x+w*.52, y+d.in(0, lift), x+w*.84, y-lift*1.4, x+w, y+d.in(-lift, 0), y+depth, x, fill)
}

func mountains(c *canvas, d *dice, s scheme, x, y, w, h float64) {
	c.sky(s, x, y, w, h)
	c.f(`<circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s"/>`, x+w*d.in(.55, .72), y+h*.34, min(w, h)*.17, s.spot)
	peak := func(px, py, half float64, fill rgb) {
		c.f(`<path d="M%.1f %.1fL%.1f %.1fL%.1f %.1fZ" fill="%s"/>`, px-half, y+h, px, py, px+half, y+h, fill)
		snow, drop := half*.26, (y+h-py)*.26
		c.f(`<path d="M%.1f %.1fL%.1f %.1fL%.1f %.1fL%.1f %.1fL%.1f %.1fL%.1f %.1fZ" fill="%s" opacity=".9"/>`,
			px, py, px+snow, py+drop, px+snow*.4, py+drop*.78, px, py+drop*1.12, px-snow*.45, py+drop*.8, px-snow, py+drop, s.near.mix(white, .82))
		c.f(`<path d="M%.1f %.1fL%.1f %.1fH%.1fZ" fill="#000" opacity=".13"/>`, px, py, px+half, y+h, px+half*.1)
	}
	peak(x+w*d.in(.66, .80), y+h*.36, w*.48, s.far.mix(s.near, .3))
	peak(x+w*d.in(.28, .40), y+h*.22, w*.52, s.near)
	c.hills(d, s.near.mix(black, .25), x, y+h*.92, w, h*.2, h*.06)
}

func waves(c *canvas, d *dice, s scheme, x, y, w, h float64) {
	c.sky(s, x, y, w, h)
	c.f(`<circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s"/>`, x+w*d.in(.3, .7), y+h*.38, min(w, h)*.20, s.spot)
	rows := 5
	for i := range rows {
		t := float64(i) / float64(rows-1)
		at := y + h*(.46+.46*t)
		amp, step := 4+4*t, w/(4.6-1.6*t)
		c.f(`<path d="M%.1f %.1f`, x-step*d.in(.2, 1), at)
		for cx := x - step; cx < x+w+step; cx += step {
			c.f(`q%.1f %.1f %.1f 0t%.1f 0`, step/4, -2*amp, step/2, step/2)
		}
		c.f(`V%.1fH%.1fZ" fill="%s" stroke="%s" stroke-opacity=".5" stroke-width="1.4"/>`, y+h+4, x-step, s.far.mix(s.near, t), white)
	}
}

func hops(c *canvas, d *dice, s scheme, x, y, w, h float64) {
	c.sky(s, x, y, w, h)
	step := d.in(36, 44)
	for row, at := 0, y+step*.45; at < y+h+step; row, at = row+1, at+step*.92 {
		for cx := x + step*.2 + step/2*float64(row%2); cx < x+w+step; cx += step {
			c.f(`<g transform="translate(%.1f %.1f) rotate(%.0f) scale(%.2f)">`, cx, at, d.in(-22, 22), step/44)
			c.hop([]rgb{s.near, s.spot}[(row+d.n(2))%2], s.sky)
			c.f(`</g>`)
		}
	}
}

// hop is one cone, about 26 by 38 units around the origin.
func (c *canvas) hop(fill, gap rgb) {
	c.f(`<path d="M0 -13C-1 -18 3 -20 6 -20" fill="none" stroke="%s" stroke-width="2.2" stroke-linecap="round"/><g fill="%s" stroke="%s" stroke-width="1.1">`, fill, fill, gap)
	for row := 3; row >= 0; row-- {
		y := -10 + 7*float64(row)
		half := []float64{8, 11, 9.5, 6}[row]
		for _, cx := range []float64{-half / 1.7, half / 1.7, 0} {
			c.f(`<path d="M%.1f %.1fq-6.5 5 0 13q6.5 -8 0 -13Z"/>`, cx, y-3)
		}
	}
	c.f(`</g>`)
}

func barley(c *canvas, d *dice, s scheme, x, y, w, h float64) {
	c.sky(s, x, y, w, h)
	c.f(`<circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s"/>`, x+w/2, y+h*.46, min(w, h)*.36, s.far)
	ears := 5 + 2*d.n(2)
	for i := range ears {
		t := float64(i)/float64(ears-1) - .5
		size := min(1.25, h/88) * (1 - .35*math.Abs(t))
		c.f(`<g transform="translate(%.1f %.1f) rotate(%.0f) scale(%.2f)">`, x+w/2+t*w*.5, y+h+4, t*64, size)
		c.ear([]rgb{s.spot, s.near}[i%2])
		c.f(`</g>`)
	}
}

// ear is one barley ear growing upwards from the origin, 80 units high.
func (c *canvas) ear(fill rgb) {
	c.f(`<g fill="%s" stroke="%s" stroke-linecap="round"><path d="M0 0V-70" stroke-width="1.6" fill="none"/>`, fill, fill)
	for i := range 6 {
		y := -26 - 7*float64(i)
		c.f(`<path d="M0 %.1fq-8 -2 -7 -12q7 3 7 12Zq8 -2 7 -12q-7 3 -7 12Z" stroke="none"/><path d="M-7 %.1fl-4 -13M7 %.1fl4 -13" stroke-width=".8"/>`, y, y-12, y-12)
	}
	c.f(`<path d="M0 -68q-4 -6 0 -14q4 8 0 14Z" stroke="none"/></g>`)
}

func moonlight(c *canvas, d *dice, s scheme, x, y, w, h float64) {
	night := s.sky.mix(s.near, .15)
	c.f(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`, x, y, w, h, night)
	r := min(w, h) * .24
	cx, cy := x+w*.5, y+h*.44
	for i := 3; i > 0; i-- {
		c.f(`<circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s" opacity=".22"/>`, cx, cy, r*(1+.38*float64(i)), s.far)
	}
	c.f(`<circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s"/><circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s"/>`, cx, cy, r, s.spot, cx+r*.42, cy-r*.16, r*.82, night.mix(s.far, .3))
	for range 16 {
		sx, sy, k := x+d.in(.05, .95)*w, y+d.in(.05, .75)*h, d.in(1.2, 3.4)
		c.f(`<path d="M%.1f %.1fl%.1f %.1fl%.1f %.1fl%.1f %.1fl%.1f %.1fl%.1f %.1fl%.1f %.1fl%.1f %.1fZ" fill="%s"/>`, sx, sy-k, k*.3, k*.7, k*.7, k*.3, -k*.7, k*.3, -k*.3, k*.7, -k*.3, -k*.7, -k*.7, -k*.3, k*.7, -k*.3, s.spot)
	}
	c.hills(d, s.near, x, y+h*.86, w, h*.3, h*.05)
}
