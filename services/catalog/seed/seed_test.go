package seed_test

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/taproom-shop/taproom/services/catalog/seed"
)

func load(t *testing.T) seed.Data {
	t.Helper()
	d, err := seed.Load()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestCounts(t *testing.T) {
	d := load(t)
	for _, c := range []struct {
		what     string
		got, min int
	}{
		{"styles", len(d.Styles), 24},
		{"breweries", len(d.Breweries), 16},
		{"beers", len(d.Beers), 130},
	} {
		if c.got < c.min {
			t.Errorf("%d %s, want at least %d", c.got, c.what, c.min)
		}
	}
}

func TestSortedAndUnique(t *testing.T) {
	d := load(t)
	slug := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	keys := map[string][]string{}
	names := map[string]bool{}
	for _, s := range d.Styles {
		keys["styles"] = append(keys["styles"], s.ID)
	}
	for _, b := range d.Breweries {
		keys["breweries"] = append(keys["breweries"], b.ID)
	}
	for _, b := range d.Beers {
		keys["beers"] = append(keys["beers"], b.Slug)
		if names[b.Name] {
			t.Errorf("two beers are called %q", b.Name)
		}
		names[b.Name] = true
	}
	for what, list := range keys {
		if !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
			t.Errorf("%s are not sorted and unique", what)
		}
		for _, k := range list {
			if !slug.MatchString(k) {
				t.Errorf("%s: %q is no slug", what, k)
			}
		}
	}
}

func TestReferencesAndRanges(t *testing.T) {
	d := load(t)
	styles, breweries := byID(d)
	for _, b := range d.Beers {
		if _, ok := breweries[b.Brewery]; !ok {
			t.Errorf("%s: unknown brewery %q", b.Slug, b.Brewery)
		}
		s, ok := styles[b.Style]
		if !ok {
			t.Errorf("%s: unknown style %q", b.Slug, b.Style)
			continue
		}
		if b.ABV < s.ABVMin || b.ABV > s.ABVMax || b.IBU < s.IBUMin || b.IBU > s.IBUMax || b.SRM < s.SRMMin || b.SRM > s.SRMMax {
			t.Errorf("%s: %v%% %d IBU %v SRM is outside %s", b.Slug, b.ABV, b.IBU, b.SRM, s.ID)
		}
		if r := math.Round(b.ABV*10) / 10; math.Abs(r-b.ABV) > 1e-9 {
			t.Errorf("%s: abv %v has more than one decimal", b.Slug, b.ABV)
		}
	}
}

func TestStylesAndBreweries(t *testing.T) {
	d := load(t)
	families := map[string]bool{}
	for _, s := range d.Styles {
		families[s.Family] = true
		if s.Name == "" || s.ABVMin >= s.ABVMax || s.IBUMin >= s.IBUMax || s.SRMMin >= s.SRMMax {
			t.Errorf("style %s: name or range", s.ID)
		}
		sentences(t, "style "+s.ID, s.Description, 1, 2)
	}
	for _, f := range []string{"lager", "pale", "amber", "dark", "wheat", "belgian", "sour", "strong"} {
		if !families[f] {
			t.Errorf("no style of family %s", f)
		}
		delete(families, f)
	}
	if len(families) > 0 {
		t.Errorf("unknown families %v", families)
	}
	country := regexp.MustCompile(`^[A-Z]{2}$`)
	for _, b := range d.Breweries {
		if b.Name == "" || b.City == "" || !country.MatchString(b.Country) || b.Founded < 1000 || b.Founded > 2026 {
			t.Errorf("brewery %s: %+v", b.ID, b)
		}
		sentences(t, "brewery "+b.ID, b.Description, 2, 3)
	}
}

func TestSpread(t *testing.T) {
	d := load(t)
	perStyle, perBrewery, perFormat := map[string]int{}, map[string]int{}, map[string]int{}
	for _, b := range d.Beers {
		perStyle[b.Style]++
		perBrewery[b.Brewery]++
		perFormat[b.Format]++
	}
	for _, s := range d.Styles {
		if perStyle[s.ID] < 3 {
			t.Errorf("style %s has %d beers", s.ID, perStyle[s.ID])
		}
	}
	for _, b := range d.Breweries {
		if perBrewery[b.ID] < 5 {
			t.Errorf("brewery %s has %d beers", b.ID, perBrewery[b.ID])
		}
	}
	for format, want := range map[string]float64{seed.Bottle: .60, seed.Can: .30, seed.Keg: .10} {
		if share := float64(perFormat[format]) / float64(len(d.Beers)); math.Abs(share-want) > .03 {
			t.Errorf("%s: share %.2f, want about %.2f", format, share, want)
		}
	}
}

func TestSale(t *testing.T) {
	volumes := map[string][]int{seed.Bottle: {330, 500, 750}, seed.Can: {330, 440, 500}, seed.Keg: {5000, 10000, 20000, 30000}}
	// EUR cents per litre that still look like a beer shop.
	perLitre := map[string][2]int{seed.Bottle: {250, 2500}, seed.Can: {250, 1800}, seed.Keg: {300, 600}}
	known := []string{"seasonal", "gluten-free", "vegan", "alcohol-free", "barrel-aged", "award"}
	categories := map[string]bool{}
	for _, b := range load(t).Beers {
		if !slices.Contains(volumes[b.Format], b.VolumeML) {
			t.Errorf("%s: %d ml in a %s", b.Slug, b.VolumeML, b.Format)
			continue
		}
		if p := b.PriceCents * 1000 / b.VolumeML; p < perLitre[b.Format][0] || p > perLitre[b.Format][1] {
			t.Errorf("%s: %d cents a litre", b.Slug, p)
		}
		if b.InitialStock < 6 || b.InitialStock > 400 {
			t.Errorf("%s: stock %d", b.Slug, b.InitialStock)
		}
		if len(b.Tags) > 4 || !slices.IsSorted(b.Tags) || len(slices.Compact(slices.Clone(b.Tags))) != len(b.Tags) {
			t.Errorf("%s: tags %q", b.Slug, b.Tags)
		}
		for _, tag := range b.Tags {
			if !slices.Contains(known, tag) {
				t.Errorf("%s: unknown tag %q", b.Slug, tag)
			}
		}
		categories[b.Category] = true
		free := b.ABV <= .5
		if (b.Format == seed.Keg) != (b.Category == "kegs") || free != (b.Category == "alcohol-free") || free != slices.Contains(b.Tags, "alcohol-free") {
			t.Errorf("%s: %s of %v%% in category %q with tags %q", b.Slug, b.Format, b.ABV, b.Category, b.Tags)
		}
	}
	for _, c := range []string{"everyday", "craft", "special", "kegs", "alcohol-free"} {
		if !categories[c] {
			t.Errorf("category %s is empty", c)
		}
		delete(categories, c)
	}
	if len(categories) > 0 {
		t.Errorf("unknown categories %v", categories)
	}
}

func TestDescriptions(t *testing.T) {
	openings, whole := map[string]string{}, map[string]string{}
	for _, b := range load(t).Beers {
		if n := utf8.RuneCountInString(b.Description); n < 120 || n > 420 {
			t.Errorf("%s: description has %d characters", b.Slug, n)
		}
		sentences(t, b.Slug, b.Description, 2, 4)
		words := strings.FieldsFunc(strings.ToLower(b.Description), func(r rune) bool { return strings.ContainsRune(" ,.;:!?", r) })
		if len(words) < 15 {
			t.Errorf("%s: description has %d words", b.Slug, len(words))
			continue
		}
		start := strings.Join(words[:5], " ")
		if other, ok := openings[start]; ok {
			t.Errorf("%s and %s both start with %q", b.Slug, other, start)
		}
		if other, ok := whole[b.Description]; ok {
			t.Errorf("%s and %s share their description", b.Slug, other)
		}
		openings[start], whole[b.Description] = b.Slug, b.Slug
	}
}

func byID(d seed.Data) (map[string]seed.Style, map[string]seed.Brewery) {
	styles, breweries := map[string]seed.Style{}, map[string]seed.Brewery{}
	for _, s := range d.Styles {
		styles[s.ID] = s
	}
	for _, b := range d.Breweries {
		breweries[b.ID] = b
	}
	return styles, breweries
}

var sentenceEnd = regexp.MustCompile(`[.!?](\s|$)`)

func sentences(t *testing.T, what, text string, low, high int) {
	t.Helper()
	if n := len(sentenceEnd.FindAllString(text, -1)); n < low || n > high {
		t.Errorf("%s: %d sentences, want %d to %d", what, n, low, high)
	}
}
