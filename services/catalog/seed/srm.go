package seed

import (
	"fmt"
	"math"
)

// rgb is a colour in sRGB, each channel 0..1.
type rgb struct{ r, g, b float64 }

func (c rgb) String() string {
	q := func(v float64) int { return int(math.Round(255 * min(max(v, 0), 1))) }
	return fmt.Sprintf("#%02x%02x%02x", q(c.r), q(c.g), q(c.b))
}

// mix blends c towards d by t (0 is c, 1 is d).
func (c rgb) mix(d rgb, t float64) rgb {
	return rgb{c.r + (d.r-c.r)*t, c.g + (d.g-c.g)*t, c.b + (d.b-c.b)*t}
}

// pathCM is the width of beer the BJCP color guide looks through.
const pathCM = 5.0

// beerColor converts an SRM value, seen through so many centimetres of beer,
// to sRGB.
//
// The transmission spectrum is A. J. deLange's average of 99 beers ("Color",
// in C. Bamforth (ed.), Brewing Materials and Processes, Academic Press 2016,
// doi:10.1016/B978-0-12-799954-8.00011-3), which is also behind the BJCP color
// guide. It is integrated with the analytic CIE 1931 colour matching functions
// of C. Wyman, P.-P. Sloan and P. Shirley ("Simple Analytic Approximations to
// the CIE XYZ Color Matching Functions", JCGT 2 (2), 2013), scaled so that
// clear water is the D65 white, and encoded as IEC 61966-2-1 prescribes.
func beerColor(srm, cm float64) rgb {
	var x, y, z, wx, wy, wz float64
	for l := 380.0; l <= 780; l += 5 {
		absorb := srm / 12.7 * cm * (0.02465*math.Exp(-(l-430)/17.591) + 0.97535*math.Exp(-(l-430)/82.122))
		t := math.Pow(10, -absorb)
		cx, cy, cz := colorMatch(l)
		x, y, z = x+t*cx, y+t*cy, z+t*cz
		wx, wy, wz = wx+cx, wy+cy, wz+cz
	}
	x, y, z = 0.95047*x/wx, y/wy, 1.08883*z/wz
	return rgb{
		gamma(3.2406*x - 1.5372*y - 0.4986*z),
		gamma(-0.9689*x + 1.8758*y + 0.0415*z),
		gamma(0.0557*x - 0.2040*y + 1.0570*z),
	}
}

// lobe is a Gaussian with a different width on either side of its centre.
func lobe(l, mean, below, above float64) float64 {
	width := below
	if l >= mean {
		width = above
	}
	d := (l - mean) / width
	return math.Exp(-d * d / 2)
}

func colorMatch(l float64) (x, y, z float64) {
	x = 1.056*lobe(l, 599.8, 37.9, 31.0) + 0.362*lobe(l, 442.0, 16.0, 26.7) - 0.065*lobe(l, 501.1, 20.4, 26.2)
	y = 0.821*lobe(l, 568.8, 46.9, 40.5) + 0.286*lobe(l, 530.9, 16.3, 31.1)
	z = 1.217*lobe(l, 437.0, 11.8, 36.0) + 0.681*lobe(l, 459.0, 26.0, 13.8)
	return x, y, z
}

func gamma(v float64) float64 {
	v = min(max(v, 0), 1)
	if v <= 0.0031308 {
		return 12.92 * v
	}
	return 1.055*math.Pow(v, 1/2.4) - 0.055
}
