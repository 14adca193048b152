package seed

// bottleShape is measured from the foot upwards.
type bottleShape struct {
	half, neck             float64 // half widths
	body, shoulder, height float64
	glass                  [3]rgb // edge, middle, light
	cork                   bool
}

var (
	brown = [3]rgb{hsl(20, .62, .09), hsl(24, .68, .20), hsl(28, .70, .38)}
	green = [3]rgb{hsl(150, .50, .07), hsl(146, .46, .17), hsl(120, .38, .34)}
)

func bottleFor(volume int) bottleShape {
	switch volume {
	case 750:
		return bottleShape{half: 69, neck: 21, body: 238, shoulder: 116, height: 446, glass: green, cork: true}
	case 500:
		return bottleShape{half: 63, neck: 19, body: 268, shoulder: 78, height: 440, glass: brown}
	default:
		return bottleShape{half: 60, neck: 18, body: 212, shoulder: 78, height: 378, glass: brown}
	}
}

func (c *canvas) bottle(x float64, volume int, l label) {
	s := bottleFor(volume)
	h, n, sh := s.half, s.neck, s.body+s.shoulder
	c.f(`<defs>`)
	c.gradient("glass", false, stop{0, 1, s.glass[0]}, stop{.10, 1, s.glass[1]}, stop{.20, 1, s.glass[2]}, stop{.36, 1, s.glass[1]},
		stop{.70, 1, s.glass[0].mix(s.glass[1], .6)}, stop{.90, 1, s.glass[1].mix(s.glass[2], .35)}, stop{1, 1, s.glass[0]})
	c.f(`</defs>`)
	c.shadow(x, h)
	c.f(`<g transform="translate(%.1f %.1f)">`, x, ground)
	c.f(`<path d="M%.1f -9 Q%.1f 0 %.1f 2 Q0 8 %.1f 2 Q%.1f 0 %.1f -9 V%.1f C%.1f %.1f %.1f %.1f %.1f %.1f V%.1f H%.1f V%.1f C%.1f %.1f %.1f %.1f %.1f %.1f Z" fill="%s"/>`,
		-h, -h, -h+12, h-12, h, h, -s.body,
		h, -s.body-s.shoulder*.55, n+2, -s.body-s.shoulder*.45, n, -sh, -s.height+14, -n, -sh,
		-n-2, -s.body-s.shoulder*.45, -h, -s.body-s.shoulder*.55, -h, -s.body, c.url("glass"))
	// The air above the beer lets a little more light through.
	c.f(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s" opacity=".35"/>`, -n+2, -s.height+16, 2*n-4, s.height-16-sh, s.glass[2])
	// A long reflection down shoulder and body.
	c.f(`<path d="M%.1f -22 V%.1f C%.1f %.1f %.1f %.1f %.1f %.1f" fill="none" stroke="#fff" stroke-opacity=".32" stroke-width="5" stroke-linecap="round"/>`,
		-h+11, -s.body, -h+11, -s.body-s.shoulder*.42, -n+5, -s.body-s.shoulder*.5, -n+6, -sh-6)
	c.f(`<path d="M%.1f -30 V%.1f" fill="none" stroke="#fff" stroke-opacity=".14" stroke-width="3" stroke-linecap="round"/>`, h-7, -s.body)
	if s.cork {
		c.foil(n, sh, s.height)
	} else {
		c.collar(n, sh+6, 30)
		c.crown(n, s.height)
	}
	// The neck's lower band and the label itself.
	top := s.body - 14
	c.label(l, box{-h, -top, 2 * h, top - 24, 7})
	c.f(`</g>`)
}

// collar is the paper ring around a bottle's neck.
func (c *canvas) collar(n, y, h float64) {
	p, w := c.pal, n+1.2
	c.f(`<g><path d="M%.1f %.1f Q0 %.1f %.1f %.1f V%.1f Q0 %.1f %.1f %.1f Z" fill="%s"/>`, -w, -y-h, -y-h+5, w, -y-h, -y, -y+5, -w, -y, p.base)
	c.f(`<path d="M%.1f %.1f Q0 %.1f %.1f %.1f" fill="none" stroke="%s" stroke-width="2"/>`, -w, -y-h+4, -y-h+9, w, -y-h+4, p.accent)
	c.f(`<path d="M%.1f %.1f Q0 %.1f %.1f %.1f" fill="none" stroke="%s" stroke-width="2"/>`, -w, -y-4, -y+1, w, -y-4, p.accent)
	c.f(`<g transform="translate(0 %.1f) scale(.5)">`, -y-h/2+10)
	c.hop(p.paper, p.base)
	c.f(`</g>`)
	c.f(`<path d="M%.1f %.1f Q0 %.1f %.1f %.1f V%.1f Q0 %.1f %.1f %.1f Z" fill="%s"/></g>`, -w, -y-h, -y-h+5, w, -y-h, -y, -y+5, -w, -y, c.url("round"))
}

// crown is a crimped metal cap.
func (c *canvas) crown(n, height float64) {
	y, w := -height, n+3
	c.f(`<rect x="%.1f" y="%.1f" width="%.1f" height="9" rx="4" fill="%s"/>`, -n-2.5, y+16, 2*n+5, c.url("glass"))
	for _, fill := range []string{c.pal.accent.mix(c.pal.deep, .12).String(), c.url("round")} {
		c.f(`<path d="M%.1f %.1f Q%.1f %.1f 0 %.1f Q%.1f %.1f %.1f %.1f L%.1f %.1f`, -w+3, y+4, -w+7, y-1, y-1, w-7, y-1, w-3, y+4, w+1, y+14)
		const teeth = 9
		for i := range teeth {
			step := 2 * (w + 1) / teeth
			at := w + 1 - float64(i)*step
			c.f(`Q%.1f %.1f %.1f %.1f`, at-step/2, y+20, at-step, y+14)
		}
		c.f(`Z" fill="%s"/>`, fill)
	}
}

// foil covers the cork and wire of a large bottle.
func (c *canvas) foil(n, sh, height float64) {
	p := c.pal
	low := -sh - 14
	for _, fill := range []string{p.accent.mix(p.deep, .2).String(), c.url("round")} {
		c.f(`<path d="M%.1f %.1f Q0 %.1f %.1f %.1f L%.1f %.1f Q%.1f %.1f %.1f %.1f L%.1f %.1f Q%.1f %.1f 0 %.1f Q%.1f %.1f %.1f %.1f L%.1f %.1f Q%.1f %.1f %.1f %.1f Z" fill="%s"/>`,
			-n-1.5, low, low+8, n+1.5, low, n+.5, -height+34, n+5, -height+30, n+4, -height+24,
			n+2, -height+8, n, -height-2, -height-2, -n, -height-2, -n-2, -height+8,
			-n-4, -height+24, -n-5, -height+30, -n-.5, -height+34, fill)
	}
	c.f(`<path d="M%.1f %.1f Q0 %.1f %.1f %.1f" fill="none" stroke="%s" stroke-width="2.5"/>`, -n-3, -height+30, -height+37, n+3, -height+30, p.ink.mix(p.accent, .5))
	c.f(`<path d="M%.1f %.1f Q0 %.1f %.1f %.1f" fill="none" stroke="%s" stroke-width="3"/>`, -n-1, low-6, low+2, n+1, low-6, p.paper)
}

func (c *canvas) can(x float64, volume int, l label) {
	half, height := 62.0, 352.0
	switch volume {
	case 330:
		half, height = 58, 300
	case 500:
		half, height = 63, 378
	}
	rim := half - 9
	const zoom = 1.14
	c.shadow(x, half*zoom)
	c.f(`<g transform="translate(%.1f %.1f) scale(%.2f)">`, x, ground, zoom)
	c.f(`<path d="M%.1f %.1f C%.1f %.1f %.1f %.1f %.1f %.1f V-20 C%.1f -9 %.1f -8 %.1f 0 Q0 8 %.1f 0 C%.1f -8 %.1f -9 %.1f -20 V%.1f C%.1f %.1f %.1f %.1f %.1f %.1f Z" fill="%s"/>`,
		rim, -height+6, rim, -height+17, half, -height+18, half, -height+36, half, half-9, half-9, -half+9, -half+9, -half, -half, -height+36,
		-half, -height+18, -rim, -height+17, -rim, -height+6, c.url("steel"))
	c.label(l, box{-half, -height + 32, 2 * half, height - 50, 7})
	// Lid: rim, sunken panel, tab.
	c.f(`<ellipse cy="%.1f" rx="%.1f" ry="8" fill="%s"/>`, -height+6, rim+1.5, c.url("steel"))
	c.f(`<ellipse cy="%.1f" rx="%.1f" ry="6" fill="#7d8790"/><ellipse cy="%.1f" rx="%.1f" ry="5" fill="#aeb8c0"/>`, -height+6, rim-4, -height+7.5, rim-7)
	c.f(`<ellipse cx="3" cy="%.1f" rx="13" ry="2.6" fill="#dfe5e9"/><ellipse cx="7" cy="%.1f" rx="5" ry="1.2" fill="#8b959d"/>`, -height+6.5, -height+6.6)
	c.f(`</g>`)
}

func (c *canvas) keg(x float64, volume int, l label) {
	half, height := 90.0, 310.0
	switch volume {
	case 5000:
		half, height = 80, 244
	case 10000:
		half, height = 84, 284
	case 30000:
		half, height = 95, 338
	}
	const zoom = 1.08
	c.shadow(x, half*zoom)
	c.f(`<g transform="translate(%.1f %.1f) scale(%.2f)">`, x, ground, zoom)
	if volume == 5000 {
		c.partyKeg(half, height, l)
	} else {
		c.steelKeg(half, height, l)
	}
	c.f(`</g>`)
}

// hoop is one band of a keg between two heights, wider than the body by out.
func (c *canvas) hoop(half, out, low, high float64) {
	w := half + out
	c.f(`<path d="M%.1f %.1f Q0 %.1f %.1f %.1f Q%.1f %.1f %.1f %.1f Q0 %.1f %.1f %.1f Q%.1f %.1f %.1f %.1f Z" fill="%s"/>`,
		-half, -high, -high+9, half, -high, w+out, -(low+high)/2, half, -low, -low+9, -half, -low, -w-out, -(low+high)/2, -half, -high, c.url("steel"))
	c.f(`<path d="M%.1f %.1f Q0 %.1f %.1f %.1f" fill="none" stroke="#2b333a" stroke-opacity=".35" stroke-width="1.5"/>`, -half, -low, -low+9, half, -low)
}

func (c *canvas) steelKeg(half, height float64, l label) {
	in := half - 10
	// Upper collar with its two grips, the valve behind it.
	c.f(`<ellipse cy="%.1f" rx="%.1f" ry="9" fill="#59636c"/>`, -height+4, in)
	c.f(`<rect x="-9" y="%.1f" width="18" height="16" rx="3" fill="%s"/>`, -height-9, c.url("steel"))
	c.f(`<path d="M%.1f %.1f Q0 %.1f %.1f %.1f L%.1f %.1f Q0 %.1f %.1f %.1f Z" fill="%s"/>`, -in, -height+4, -height+22, in, -height+4, in, -height+44, -height+56, -in, -height+44, c.url("steel"))
	c.f(`<path d="M-26 %.1f Q0 %.1f 26 %.1f Q28 %.1f 22 %.1f Q0 %.1f -22 %.1f Q-28 %.1f -26 %.1f Z" fill="#2e363d"/>`,
		-height+22, -height+25, -height+22, -height+34, -height+35, -height+38, -height+35, -height+34, -height+22)
	// Body, foot ring and rolling hoops.
	c.f(`<path d="M%.1f -20 Q%.1f %.1f %.1f %.1f C%.1f %.1f %.1f %.1f %.1f %.1f Q0 %.1f %.1f %.1f C%.1f %.1f %.1f %.1f %.1f %.1f Q%.1f %.1f %.1f -20 Q0 -8 %.1f -20 Z" fill="%s"/>`,
		-half, -half, -height/2, -half, -height+66, -half, -height+52, -in, -height+50, -in, -height+38, -height+48, in, -height+38,
		in, -height+50, half, -height+52, half, -height+66, half, -height/2, half, -half, c.url("steel"))
	c.f(`<path d="M%.1f -24 Q0 -12 %.1f -24 V0 Q0 11 %.1f 0 Z" fill="%s"/>`, -in, in, -in, c.url("steel"))
	c.f(`<path d="M%.1f -22 Q0 -9 %.1f -22" fill="none" stroke="#20272c" stroke-opacity=".5" stroke-width="3"/>`, -half, half)
	c.label(l, box{-half, -height + 92, 2 * half, height - 146, 9})
	c.hoop(half, 3, height-84, height-70)
	c.hoop(half, 3, 36, 50)
}

func (c *canvas) partyKeg(half, height float64, l label) {
	c.f(`<path d="M%.1f -10 Q0 12 %.1f -10 V%.1f Q0 %.1f %.1f %.1f Z" fill="%s"/>`, -half, half, -height+14, -height+2, -half, -height+14, c.url("steel"))
	c.label(l, box{-half, -height + 22, 2 * half, height - 64, 9})
	c.f(`<ellipse cy="%.1f" rx="%.1f" ry="11" fill="%s"/><ellipse cy="%.1f" rx="%.1f" ry="8" fill="#8f99a1"/>`, -height+14, half+2, c.url("steel"), -height+14, half-6)
	c.f(`<path d="M%.1f %.1f C%.1f %.1f %.1f %.1f %.1f %.1f" fill="none" stroke="%s" stroke-width="6" stroke-linecap="round"/>`,
		-half+16, -height+12, -half+30, -height-26, half-30, -height-26, half-16, -height+12, c.pal.ink)
	c.hoop(half, 1.5, 4, 15)
	c.f(`<rect x="-9" y="-25" width="18" height="13" rx="3" fill="%s"/><rect x="-4" y="-14" width="8" height="12" rx="2" fill="%s"/>`, c.pal.ink, c.pal.ink)
}
