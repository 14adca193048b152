package seed_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/taproom-shop/taproom/services/catalog/seed"
)

// parse checks that a picture is well-formed, self-contained and titled, and
// returns its text.
func parse(t *testing.T, svg []byte) string {
	t.Helper()
	var text strings.Builder
	ids, uses := map[string]bool{}, []string{}
	titled := false
	dec := xml.NewDecoder(bytes.NewReader(svg))
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		switch tok := tok.(type) {
		case xml.CharData:
			text.Write(tok)
			text.WriteByte(' ')
		case xml.StartElement:
			switch tok.Name.Local {
			case "script", "image", "use", "foreignObject", "style", "a":
				t.Errorf("element %s", tok.Name.Local)
			case "title":
				titled = true
			}
			for _, a := range tok.Attr {
				if a.Name.Local == "id" {
					if ids[a.Value] {
						t.Errorf("id %q twice", a.Value)
					}
					ids[a.Value] = true
				}
				if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "href" {
					t.Errorf("attribute %s", a.Name.Local)
				}
				if ref, ok := strings.CutPrefix(a.Value, "url("); ok {
					uses = append(uses, strings.TrimSuffix(strings.TrimPrefix(ref, "#"), ")"))
				}
			}
		}
	}
	if !titled {
		t.Error("no title")
	}
	for _, u := range uses {
		if !ids[u] {
			t.Errorf("url(#%s) leads nowhere", u)
		}
	}
	return text.String()
}

func TestPicture(t *testing.T) {
	d := load(t)
	styles, breweries := byID(d)
	seen := map[string]string{}
	for _, b := range d.Beers {
		svg := seed.Picture(b, styles[b.Style], breweries[b.Brewery])
		text := parse(t, svg)
		if !strings.Contains(text, b.Name+" by "+breweries[b.Brewery].Name) {
			t.Errorf("%s: title lacks its name", b.Slug)
		}
		if !bytes.HasPrefix(svg, []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 520"`)) {
			t.Errorf("%s: starts with %.80s", b.Slug, svg)
		}
		for _, bad := range []string{"%!", "NaN", "Inf"} {
			if bytes.Contains(svg, []byte(bad)) {
				t.Errorf("%s: contains %q", b.Slug, bad)
			}
		}
		if len(svg) > 64<<10 {
			t.Errorf("%s: %d bytes", b.Slug, len(svg))
		}
		if other, ok := seen[string(svg)]; ok {
			t.Errorf("%s and %s look the same", b.Slug, other)
		}
		seen[string(svg)] = b.Slug
		if again := seed.Picture(b, styles[b.Style], breweries[b.Brewery]); !bytes.Equal(svg, again) {
			t.Errorf("%s: differs the second time", b.Slug)
		}
	}
}

func TestPictureEscapes(t *testing.T) {
	b := seed.Beer{Slug: "x", Name: `<script>&"'`, Format: seed.Can, VolumeML: 330, ABV: 5, SRM: 4}
	text := parse(t, seed.Picture(b, seed.Style{ID: "x", Name: "a<b"}, seed.Brewery{ID: "y", Name: "R&D"}))
	for _, want := range []string{b.Name, "a<b", "R&D"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestPictureBareBeer(t *testing.T) {
	parse(t, seed.Picture(seed.Beer{}, seed.Style{}, seed.Brewery{}))
}
