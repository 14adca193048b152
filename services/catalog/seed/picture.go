package seed

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// canvas collects SVG; id keeps gradients of several pictures on one page
// apart.
type canvas struct {
	strings.Builder
	id  string
	pal palette
}

// f appends a formatted fragment. Coordinates are written with %.1f.
func (c *canvas) f(format string, args ...any) { fmt.Fprintf(&c.Builder, format, args...) }

// stop is one colour stop of a gradient.
type stop struct {
	at, opacity float64
	color       rgb
}

// gradient defines a linear gradient in the shape's own box, across or down.
func (c *canvas) gradient(name string, down bool, stops ...stop) {
	x2, y2 := 1, 0
	if down {
		x2, y2 = 0, 1
	}
	c.f(`<linearGradient id="%s-%s" x1="0" y1="0" x2="%d" y2="%d">`, c.id, name, x2, y2)
	c.stops(stops)
	c.f(`</linearGradient>`)
}

// glow defines a radial gradient in the shape's own box.
func (c *canvas) glow(name string, stops ...stop) {
	c.f(`<radialGradient id="%s-%s">`, c.id, name)
	c.stops(stops)
	c.f(`</radialGradient>`)
}

func (c *canvas) stops(stops []stop) {
	for _, s := range stops {
		c.f(`<stop offset="%.2f" stop-color="%s" stop-opacity="%.2f"/>`, s.at, s.color, s.opacity)
	}
}

// url refers to a definition of this picture.
func (c *canvas) url(name string) string { return "url(#" + c.id + "-" + name + ")" }

// escape makes text safe inside an element or attribute.
func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder never fails
	return b.String()
}

var (
	white = rgb{1, 1, 1}
	black = rgb{0, 0, 0}
)

const ground = 478.0 // where everything stands

// Picture renders a beer as an SVG of 400 by 520 units: its bottle, can or
// keg with the label, next to a poured glass. The same arguments always give
// the same bytes; nothing external is referenced.
func Picture(b Beer, s Style, brewery Brewery) []byte {
	c := &canvas{id: fmt.Sprintf("t%x", hash(b.Slug)>>40), pal: breweryPalette(brewery.ID)}
	what := map[string]string{Bottle: "bottle", Can: "can", Keg: "keg"}[b.Format]
	title := fmt.Sprintf("%s by %s: %s, %s, with a poured glass", b.Name, brewery.Name, s.Name, what)
	c.f(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 520" role="img" aria-labelledby="%s-title">`, c.id)
	c.f(`<title id="%s-title">%s</title>`, c.id, escape(title))
	c.backdrop()
	l := label{beer: b, style: s, brewery: brewery}
	switch b.Format {
	case Can:
		c.can(138, b.VolumeML, l)
	case Keg:
		c.keg(130, b.VolumeML, l)
	default:
		c.bottle(136, b.VolumeML, l)
	}
	c.glass(glassFor(b, s), b)
	c.f(`</svg>`)
	return []byte(c.String())
}

// backdrop paints the wall, a soft light behind the beer and the table.
func (c *canvas) backdrop() {
	p := c.pal
	tint := p.soft.mix(hsl(38, .22, .86), .52) // calmer than any label
	c.f(`<defs>`)
	c.gradient("wall", true, stop{0, 1, tint.mix(white, .66)}, stop{.8, 1, tint.mix(white, .30)}, stop{1, 1, tint.mix(white, .2)})
	c.glow("light", stop{0, .95, white}, stop{.55, .5, white}, stop{1, 0, white})
	c.glow("shadow", stop{0, .55, p.ink}, stop{.5, .28, p.ink}, stop{1, 0, p.ink})
	c.gradient("table", true, stop{0, 1, tint.mix(p.mid, .05)}, stop{1, 1, tint.mix(p.mid, .20)})
	// Light falling over a cylinder from the left.
	c.gradient("round", false, stop{0, .50, black}, stop{.10, .16, black}, stop{.20, .30, white}, stop{.30, .10, white},
		stop{.48, 0, black}, stop{.78, .14, black}, stop{.93, .40, black}, stop{1, .52, black})
	c.gradient("steel", false, stop{0, 1, hsl(212, .08, .38)}, stop{.12, 1, hsl(212, .08, .66)}, stop{.24, 1, hsl(212, .10, .95)},
		stop{.42, 1, hsl(212, .08, .74)}, stop{.72, 1, hsl(212, .08, .56)}, stop{.90, 1, hsl(212, .10, .72)}, stop{1, 1, hsl(212, .08, .34)})
	c.f(`</defs>`)
	c.f(`<rect width="400" height="520" fill="%s"/>`, c.url("wall"))
	c.f(`<circle cx="200" cy="236" r="176" fill="%s" opacity=".45"/>`, tint)
	c.f(`<ellipse cx="200" cy="210" rx="205" ry="215" fill="%s"/>`, c.url("light"))
	c.f(`<path d="M0 440 Q200 428 400 440 V520 H0 Z" fill="%s"/>`, c.url("table"))
}

// shadow lies under something standing at x, w units to either side.
func (c *canvas) shadow(x, w float64) {
	c.f(`<ellipse cx="%.1f" cy="%.1f" rx="%.1f" ry="13" fill="%s"/>`, x+w*.18, ground+1, w*1.42, c.url("shadow"))
}
