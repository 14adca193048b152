// Package seed holds the catalogue the shop opens with: beer styles, invented
// breweries and their beers, and a generated picture of each beer.
package seed

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

//go:embed *.json
var files embed.FS

// The formats a beer is sold in.
const (
	Bottle = "BOTTLE"
	Can    = "CAN"
	Keg    = "KEG"
)

// Style is a beer style with the ranges its guideline publishes (BJCP 2021;
// alcohol-free beer after the Brewers Association).
type Style struct {
	ID          string  `json:"id"`
	Name        string  `json:"name"`
	Family      string  `json:"family"`
	Description string  `json:"description"`
	ABVMin      float64 `json:"abv_min"`
	ABVMax      float64 `json:"abv_max"`
	IBUMin      int     `json:"ibu_min"`
	IBUMax      int     `json:"ibu_max"`
	SRMMin      float64 `json:"srm_min"`
	SRMMax      float64 `json:"srm_max"`
}

// Brewery is an invented brewery.
type Brewery struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	City        string `json:"city"`
	Country     string `json:"country"` // ISO 3166-1 alpha-2
	Founded     int    `json:"founded"`
	Description string `json:"description"`
}

// Beer is one article of the shop.
type Beer struct {
	Slug         string   `json:"slug"`
	Name         string   `json:"name"`
	Brewery      string   `json:"brewery"` // Brewery.ID
	Style        string   `json:"style"`   // Style.ID
	Description  string   `json:"description"`
	ABV          float64  `json:"abv"` // percent by volume
	IBU          int      `json:"ibu"`
	SRM          float64  `json:"srm"`
	Format       string   `json:"format"`
	VolumeML     int      `json:"volume_ml"`
	PriceCents   int      `json:"price_cents"` // EUR
	Tags         []string `json:"tags"`
	InitialStock int      `json:"initial_stock"`
	Category     string   `json:"category"`
}

// Data is the whole catalogue, each list sorted by its id or slug.
type Data struct {
	Styles    []Style
	Breweries []Brewery
	Beers     []Beer
}

// Load decodes the embedded files strictly and checks them; the error joins
// every rule that is broken.
func Load() (Data, error) {
	var d Data
	if err := errors.Join(
		decode("styles.json", &d.Styles),
		decode("breweries.json", &d.Breweries),
		decode("beers.json", &d.Beers),
	); err != nil {
		return Data{}, err
	}
	if err := d.validate(); err != nil {
		return Data{}, err
	}
	return d, nil
}

func decode(name string, into any) error {
	raw, err := files.ReadFile(name)
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("seed: %s: %w", name, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("seed: %s: more than one value", name)
	}
	return nil
}
