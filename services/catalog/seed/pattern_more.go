package seed

import "math"

func scales(c *canvas, d *dice, s scheme, x, y, w, h float64) {
	c.sky(s, x, y, w, h)
	r := w / (7 + float64(2*d.n(2)))
	colors := []rgb{s.far, s.near, s.spot}
	for row, at := 0, y-r; at < y+h+r; row, at = row+1, at+r {
		for cx := x - r*float64(row%2); cx < x+w+r; cx += 2 * r {
			for ring, k := range []float64{1, .68, .36} {
				fill := colors[(row+ring)%3]
				if ring == 1 {
					fill = s.sky
				}
				c.f(`<circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s"/>`, cx, at+r, r*k, fill)
			}
		}
	}
}

func bubbles(c *canvas, d *dice, s scheme, x, y, w, h float64) {
	c.sky(s, x, y, w, h)
	colors := []rgb{s.far, s.near, s.spot}
	for i := range 34 {
		t := d.in(0, 1)
		r := 3 + 13*t*d.in(.4, 1)
		c.f(`<circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s" opacity=".85"/>`, x+d.in(0, 1)*w, y+h*(.04+t*.98), r, colors[i%3])
		if i%3 == 0 {
			c.f(`<circle cx="%.1f" cy="%.1f" r="%.1f" fill="none" stroke="%s" stroke-width="1.4"/>`, x+d.in(0, 1)*w, y+d.in(0, 1)*h, r*.8, s.spot)
		}
	}
}

func rooftops(c *canvas, d *dice, s scheme, x, y, w, h float64) {
	c.sky(s, x, y, w, h)
	c.f(`<circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s"/>`, x+w*d.in(.3, .7), y+h*.40, min(w, h)*.2, s.spot)
	row := func(base, low, high, wide float64, fill, window rgb) {
		for cx := x - d.in(0, wide); cx < x+w; {
			bw, bh := wide*d.in(.8, 1.2), h*d.in(low, high)
			top := base - bh
			switch d.n(3) {
			case 0: // pitched roof
				c.f(`<path d="M%.1f %.1fV%.1fL%.1f %.1fL%.1f %.1fV%.1fZ" fill="%s"/>`, cx, base, top, cx+bw/2, top-bw*.55, cx+bw, top, base, fill)
			case 1: // stepped gable
				q := bw / 5
				c.f(`<path d="M%.1f %.1fV%.1fh%.1fv%.1fh%.1fv%.1fh%.1fv%.1fh%.1fv%.1fh%.1fV%.1fZ" fill="%s"/>`, cx, base, top, q, -q, q, -q, q, q, q, q, q, base, fill)
			default: // tower
				c.f(`<path d="M%.1f %.1fV%.1fL%.1f %.1fL%.1f %.1fV%.1fZ" fill="%s"/>`, cx+bw*.2, base, top-bw*.2, cx+bw/2, top-bw*1.25, cx+bw*.8, top-bw*.2, base, fill)
			}
			for wy := top + 6; wy < base-6; wy += 11 {
				c.f(`<path d="M%.1f %.1fh3v5h-3ZM%.1f %.1fh3v5h-3Z" fill="%s"/>`, cx+bw*.33-1.5, wy, cx+bw*.66-1.5, wy, window)
			}
			cx += bw
		}
	}
	row(y+h, .36, .54, w*.17, s.far, s.sky)
	row(y+h, .18, .34, w*.20, s.near, s.spot)
}

func forest(c *canvas, d *dice, s scheme, x, y, w, h float64) {
	c.sky(s, x, y, w, h)
	c.f(`<circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s"/>`, x+w*d.in(.35, .65), y+h*.36, min(w, h)*.21, s.spot)
	tree := func(tx, base, size float64, fill rgb) {
		c.f(`<path d="M%.1f %.1fv%.1f" stroke="%s" stroke-width="2.4"/>`, tx, base, -size*.3, fill)
		for i := range 3 {
			k := size * (.34 - .07*float64(i))
			b := base - size*(.14+.24*float64(i))
			c.f(`<path d="M%.1f %.1fL%.1f %.1fL%.1f %.1fZ" fill="%s"/>`, tx-k, b, tx, b-size*.40, tx+k, b, fill)
		}
	}
	for layer := range 3 {
		t := float64(layer) / 2
		fill := s.far.mix(s.near, t)
		for cx := x + d.in(-8, 6); cx < x+w+8; cx += d.in(13, 19) {
			tree(cx, y+h*(.80+.13*t), h*d.in(.30, .46)*(1-.15*t), fill)
		}
		c.hills(d, fill, x, y+h*(.80+.13*t), w, h*.4, 3)
	}
}

func lattice(c *canvas, d *dice, s scheme, x, y, w, h float64) {
	c.sky(s, x, y, w, h)
	k := w / (3 + float64(d.n(2))) / 2
	for row, cy := 0, y; cy < y+h+2*k; row, cy = row+1, cy+1.3*k {
		for cx := x + k*float64(row%2); cx < x+w+k; cx += 2 * k {
			for _, part := range []struct {
				size float64
				fill rgb
			}{{.94, s.far}, {.66, s.near}, {.32, s.spot}} {
				a, b := k*part.size, 1.3*k*part.size
				c.f(`<path d="M%.1f %.1fl%.1f %.1fl%.1f %.1fl%.1f %.1fZ" fill="%s"/>`, cx, cy-b, a, b, -a, b, -a, -b, part.fill)
			}
		}
	}
}

func lighthouse(c *canvas, d *dice, s scheme, x, y, w, h float64) {
	c.sky(s, x, y, w, h)
	tx := x + w*d.in(.42, .58)
	top, base := y+h*.24, y+h*.9
	for _, side := range []float64{-1, 1} {
		c.f(`<path d="M%.1f %.1fL%.1f %.1fV%.1fZ" fill="%s" opacity=".7"/>`, tx, top+4, tx+side*w, top-h*.22, top+h*.24, s.spot)
	}
	half := min(w, h) * .12
	c.f(`<path d="M%.1f %.1fL%.1f %.1fH%.1fL%.1f %.1fZ" fill="%s"/>`, tx-half, base, tx-half*.62, top+8, tx+half*.62, tx+half, base, s.near)
	bands := 3
	for i := range bands {
		t := (float64(i) + .45) / float64(bands)
		u := t + .17
		at := func(k float64) (float64, float64) { return top + 8 + (base-top-8)*k, half * (.62 + .38*k) }
		y1, w1 := at(t)
		y2, w2 := at(u)
		c.f(`<path d="M%.1f %.1fH%.1fL%.1f %.1fH%.1fZ" fill="%s"/>`, tx-w1, y1, tx+w1, tx+w2, y2, tx-w2, s.far.mix(white, .4))
	}
	c.f(`<path d="M%.1f %.1fh%.1fv9h%.1fZM%.1f %.1fL%.1f %.1fL%.1f %.1fZ" fill="%s"/>`, tx-half*.5, top, half, -half, tx-half*.75, top, tx, top-half*.9, tx+half*.75, top, s.near.mix(black, .3))
	c.f(`<circle cx="%.1f" cy="%.1f" r="3.4" fill="%s"/>`, tx, top+4.5, white)
	for i := range 3 {
		at := y + h*(.84+.08*float64(i))
		c.f(`<path d="M%.1f %.1f`, x-d.in(0, 14), at)
		for cx := x - 14; cx < x+w+14; cx += 18 {
			c.f(`q4.5 %.1f 9 0t9 0`, -4-math.Abs(float64(i)))
		}
		c.f(`V%.1fH%.1fZ" fill="%s"/>`, y+h+6, x-14, s.far.mix(s.near, .3+.35*float64(i)))
	}
}
