package seed

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"unicode/utf8"
)

var (
	slugForm    = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	countryForm = regexp.MustCompile(`^[A-Z]{2}$`)

	families   = []string{"lager", "pale", "amber", "dark", "wheat", "belgian", "sour", "strong"}
	categories = []string{"everyday", "craft", "special", "kegs", "alcohol-free"}
	tags       = []string{"seasonal", "gluten-free", "vegan", "alcohol-free", "barrel-aged", "award"}
	volumes    = map[string][]int{
		Bottle: {330, 500, 750},
		Can:    {330, 440, 500},
		Keg:    {5000, 10000, 20000, 30000},
	}
)

const (
	minPerStyle   = 3
	minPerBrewery = 5
)

// problems collects what is wrong with one record.
type problems struct {
	errs []error
	of   string
}

func (p *problems) check(ok bool, format string, args ...any) {
	if !ok {
		p.errs = append(p.errs, fmt.Errorf("seed: %s: %s", p.of, fmt.Sprintf(format, args...)))
	}
}

func (d Data) validate() error {
	p := &problems{}
	styles := make(map[string]Style, len(d.Styles))
	for i, s := range d.Styles {
		p.of = "style " + s.ID
		p.check(i == 0 || d.Styles[i-1].ID < s.ID, "out of order or twice")
		p.style(s)
		styles[s.ID] = s
	}
	breweries := make(map[string]bool, len(d.Breweries))
	for i, b := range d.Breweries {
		p.of = "brewery " + b.ID
		p.check(i == 0 || d.Breweries[i-1].ID < b.ID, "out of order or twice")
		p.brewery(b)
		breweries[b.ID] = true
	}
	perStyle, perBrewery := map[string]int{}, map[string]int{}
	for i, b := range d.Beers {
		p.of = "beer " + b.Slug
		p.check(i == 0 || d.Beers[i-1].Slug < b.Slug, "out of order or twice")
		p.check(breweries[b.Brewery], "unknown brewery %q", b.Brewery)
		s, known := styles[b.Style]
		p.check(known, "unknown style %q", b.Style)
		if known {
			p.inStyle(b, s)
		}
		p.beer(b)
		perStyle[b.Style]++
		perBrewery[b.Brewery]++
	}
	for _, s := range d.Styles {
		p.of = "style " + s.ID
		p.check(perStyle[s.ID] >= minPerStyle, "only %d beers", perStyle[s.ID])
	}
	for _, b := range d.Breweries {
		p.of = "brewery " + b.ID
		p.check(perBrewery[b.ID] >= minPerBrewery, "only %d beers", perBrewery[b.ID])
	}
	return errors.Join(p.errs...)
}

func (p *problems) style(s Style) {
	p.check(slugForm.MatchString(s.ID), "id is no slug")
	p.check(s.Name != "" && s.Description != "", "name or description missing")
	p.check(slices.Contains(families, s.Family), "unknown family %q", s.Family)
	p.check(0 <= s.ABVMin && s.ABVMin < s.ABVMax, "abv range")
	p.check(0 <= s.IBUMin && s.IBUMin < s.IBUMax, "ibu range")
	p.check(0 < s.SRMMin && s.SRMMin < s.SRMMax, "srm range")
}

func (p *problems) brewery(b Brewery) {
	p.check(slugForm.MatchString(b.ID), "id is no slug")
	p.check(b.Name != "" && b.City != "" && b.Description != "", "name, city or description missing")
	p.check(countryForm.MatchString(b.Country), "country %q", b.Country)
	p.check(b.Founded >= 1000 && b.Founded <= 2026, "founded %d", b.Founded)
}

func (p *problems) inStyle(b Beer, s Style) {
	p.check(s.ABVMin <= b.ABV && b.ABV <= s.ABVMax, "abv %v outside its style", b.ABV)
	p.check(s.IBUMin <= b.IBU && b.IBU <= s.IBUMax, "ibu %d outside its style", b.IBU)
	p.check(s.SRMMin <= b.SRM && b.SRM <= s.SRMMax, "srm %v outside its style", b.SRM)
}

func (p *problems) beer(b Beer) {
	p.check(slugForm.MatchString(b.Slug), "slug form")
	p.check(b.Name != "", "name missing")
	p.check(math.Abs(b.ABV*10-math.Round(b.ABV*10)) < 1e-9, "abv %v has more than one decimal", b.ABV)
	n := utf8.RuneCountInString(b.Description)
	p.check(n >= 120 && n <= 420, "description has %d characters", n)
	p.check(slices.Contains(volumes[b.Format], b.VolumeML), "%d ml in a %q", b.VolumeML, b.Format)
	p.check(b.PriceCents > 0, "price %d", b.PriceCents)
	p.check(b.InitialStock >= 6 && b.InitialStock <= 400, "stock %d", b.InitialStock)
	p.check(slices.Contains(categories, b.Category), "unknown category %q", b.Category)
	p.check((b.Format == Keg) == (b.Category == "kegs"), "category %q for a %s", b.Category, b.Format)
	p.check(len(b.Tags) <= 4 && slices.IsSorted(b.Tags) && len(slices.Compact(slices.Clone(b.Tags))) == len(b.Tags), "tags %q", b.Tags)
	for _, t := range b.Tags {
		p.check(slices.Contains(tags, t), "unknown tag %q", t)
	}
	free := b.ABV <= 0.5
	p.check(free == slices.Contains(b.Tags, "alcohol-free"), "tag alcohol-free at %v%%", b.ABV)
	p.check(b.Category != "alcohol-free" || free, "category alcohol-free at %v%%", b.ABV)
	p.check(!free || b.Format == Keg || b.Category == "alcohol-free", "category %q at %v%%", b.Category, b.ABV)
}
