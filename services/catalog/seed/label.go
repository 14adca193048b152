package seed

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// label is what is printed on a vessel.
type label struct {
	beer    Beer
	style   Style
	brewery Brewery
}

// box is a label's place; sag bends its upper and lower edge around the
// vessel.
type box struct{ x, y, w, h, sag float64 }

func (b box) path() string {
	return fmt.Sprintf("M%.1f %.1fQ%.1f %.1f %.1f %.1fV%.1fQ%.1f %.1f %.1f %.1fZ",
		b.x, b.y, b.x+b.w/2, b.y+2*b.sag, b.x+b.w, b.y, b.y+b.h, b.x+b.w/2, b.y+b.h+2*b.sag, b.x, b.y+b.h)
}

// curve is a line around the vessel at height y.
func (b box) curve(y float64) string {
	return fmt.Sprintf("M%.1f %.1fQ%.1f %.1f %.1f %.1f", b.x, y, b.x+b.w/2, y+2*b.sag, b.x+b.w, y)
}

// scheme is how one label uses its brewery's palette.
type scheme struct{ sky, far, near, spot, plate, text, fine rgb }

func (p palette) scheme(n int) scheme {
	switch n {
	case 0: // night
		return scheme{p.deep, p.base, p.mid, p.accent, p.paper, p.ink, p.base}
	case 1: // day
		return scheme{p.soft, p.mid, p.base, p.accent, p.deep, p.paper, p.accent.mix(white, .55)}
	case 2: // paper
		return scheme{p.paper, p.soft, p.base, p.accent, p.base, p.paper, p.accent.mix(white, .68)}
	case 3: // accent
		return scheme{p.accent.mix(white, .12), p.accent.mix(white, .5), p.deep, p.paper, p.paper, p.ink, p.base}
	default: // tone in tone
		return scheme{p.base, p.deep, p.mid, p.accent, p.deep, p.paper, p.accent.mix(white, .5)}
	}
}

func (c *canvas) label(l label, b box) {
	d := newDice(l.beer.Slug)
	s := c.pal.scheme(d.n(5))
	id := c.id + "-label"
	c.f(`<clipPath id="%s"><path d="%s"/></clipPath><g clip-path="url(#%s)">`, id, b.path(), id)
	pick := d.n(len(textures) + len(scenes))
	plate := max(86, b.h*.50)
	if pick < len(textures) && b.h > 150 && d.n(5) < 3 {
		// The pattern fills the label, the name stands on a badge.
		paint := textures[pick]
		paint(c, d, s, b.x, b.y, b.w, b.h+2*b.sag)
		m, h := 9.0, plate*.94
		y := b.y + (b.h-h)*.62
		c.f(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="12" fill="%s"/>`, b.x+m, y, b.w-2*m, h, s.plate)
		c.f(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="9" fill="none" stroke="%s" stroke-width="1.2"/>`, b.x+m+3.5, y+3.5, b.w-2*m-7, h-7, s.fine)
		c.lettering(l, s, b.x+m+8, y+5, b.w-2*m-16, h-10)
	} else {
		// The picture on top, the name on a plate below it.
		paint := append(textures[:len(textures):len(textures)], scenes...)[pick]
		y := b.y + b.h - plate
		paint(c, d, s, b.x, b.y, b.w, b.h-plate+2*b.sag)
		c.f(`<path d="%sV%.1fH%.1fZ" fill="%s"/>`, b.curve(y), b.y+b.h+3*b.sag, b.x, s.plate)
		c.f(`<path d="%s" fill="none" stroke="%s" stroke-width="3.5"/>`, b.curve(y), s.spot)
		c.f(`<path d="%s" fill="none" stroke="%s" stroke-width="1.2"/>`, b.curve(b.y+b.h-4), s.fine)
		c.f(`<path d="%s" fill="none" stroke="%s" stroke-width="2"/>`, b.curve(b.y+4), s.plate.mix(s.sky, .35))
		c.lettering(l, s, b.x+8, y+b.sag+3, b.w-16, plate-12)
	}
	c.f(`<path d="%s" fill="%s"/></g>`, b.path(), c.url("round"))
}

const (
	serifFont = "Georgia, 'Times New Roman', 'Liberation Serif', serif"
	sansFont  = "'Avenir Next', 'Segoe UI', 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"
)

// lettering sets brewery, name, style and strength into a plate.
func (c *canvas) lettering(l label, s scheme, x, y, w, h float64) {
	mid := x + w/2
	font := sansFont
	if c.pal.serif {
		font = serifFont
	}
	c.f(`<g text-anchor="middle" font-family="%s" fill="%s">`, font, s.text)
	small := min(9, h/11.5)
	maker := strings.ToUpper(l.brewery.Name)
	if _, rest, ok := strings.Cut(maker, " "); ok && strings.Contains(rest, " ") && fit(maker, small, w+4, .72) < 6.2 {
		maker = rest // "Brouwerij", "Brasserie" ... give way first
	}
	c.line(maker, mid, y+small+3, fit(maker, small, w+4, .72), .4, s.fine, "600")
	lines, size := wrap(l.beer.Name, w, h-4.6*small-14)
	room := h - 4.4*small - 8
	first := y + small + 9 + (room-float64(len(lines))*size*1.08)/2 + size*.80
	for i, t := range lines {
		c.line(t, mid, first+float64(i)*size*1.08, size, 0, s.text, "700")
	}
	foot := y + h - small - 6
	c.f(`<path d="M%.1f %.1fH%.1f" stroke="%s" stroke-width=".9"/>`, mid-w*.2, foot-small-2.5, mid+w*.2, s.spot)
	style := l.style.Name
	c.line(style, mid, foot, fit(style, small, w, .58), .2, s.fine, "400")
	strength := strconv.FormatFloat(l.beer.ABV, 'f', 1, 64) + " % vol"
	c.line(strength, mid, foot+small+3.5, small+1, .2, s.text, "700")
	c.f(`</g>`)
}

func (c *canvas) line(t string, x, y, size, spacing float64, fill rgb, weight string) {
	c.f(`<text x="%.1f" y="%.1f" font-size="%.1f" letter-spacing="%.1f" font-weight="%s" fill="%s">%s</text>`, x, y, size, spacing, weight, fill, escape(t))
}

// fit shrinks size until text of the given mean character width fits.
func fit(t string, size, w, char float64) float64 {
	return min(size, w/(char*float64(utf8.RuneCountInString(t))))
}

// textWidth estimates a line set in a bold system font, in ems.
func textWidth(t string) float64 {
	var n float64
	for _, r := range t {
		switch {
		case strings.ContainsRune("iljtfrI.,'’ ", r):
			n += .36
		case strings.ContainsRune("mwMWÆæ%&", r):
			n += .92
		case unicode.IsUpper(r):
			n += .74
		default:
			n += .60
		}
	}
	return n
}

// wrap breaks a name into at most three lines and picks the largest size at
// which they fill the width and height without crossing them.
func wrap(name string, w, h float64) ([]string, float64) {
	words := strings.Fields(name)
	var best []string
	var size float64
	for lines := 1; lines <= min(3, len(words)); lines++ {
		for _, cut := range cuts(words, lines) {
			widest := 0.0
			for _, t := range cut {
				widest = max(widest, textWidth(t))
			}
			if s := min(27, w/widest, h/(1.08*float64(lines))); s > size*1.02 {
				best, size = cut, s
			}
		}
	}
	return best, size
}

// cuts lists every way to spread words over so many lines.
func cuts(words []string, lines int) [][]string {
	if lines == 1 {
		return [][]string{{strings.Join(words, " ")}}
	}
	var all [][]string
	for i := 1; i <= len(words)-lines+1; i++ {
		for _, rest := range cuts(words[i:], lines-1) {
			all = append(all, append([]string{strings.Join(words[:i], " ")}, rest...))
		}
	}
	return all
}
