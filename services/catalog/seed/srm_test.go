package seed

import "testing"

// The darker the beer, the less light comes through, and pale beer is yellow.
func TestBeerColor(t *testing.T) {
	if c := beerColor(0, pathCM); c.r < .99 || c.g < .99 || c.b < .99 {
		t.Errorf("water is %s", c)
	}
	before := beerColor(1, pathCM)
	for srm := 2.0; srm <= 40; srm++ {
		c := beerColor(srm, pathCM)
		if c.r > before.r || c.g > before.g || c.b > before.b {
			t.Errorf("%v SRM (%s) is lighter than the one before (%s)", srm, c, before)
		}
		if c.r < c.g || c.g < c.b {
			t.Errorf("%v SRM is %s, not between yellow and brown", srm, c)
		}
		before = c
	}
	if c := beerColor(40, pathCM); c.r > .35 {
		t.Errorf("40 SRM is %s", c)
	}
}
