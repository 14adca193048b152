// Package domain holds what the catalogue knows and the rules that need neither a database nor a network: beers, what they
// are found by, and which pictures are safe to show.
package domain

import (
	"reflect"
	"slices"
	"time"
)

// Currency is what all prices are in.
const Currency = "EUR"

// Format is what a beer comes in.
type Format string

// The formats.
const (
	Bottle Format = "BOTTLE"
	Can    Format = "CAN"
	Keg    Format = "KEG"
)

// Style is a style of beer with the ranges that are usual for it.
type Style struct {
	ID          string
	Name        string
	Family      string
	Description string
	ABVMin      float64 // percent by volume
	ABVMax      float64
	IBUMin      int32
	IBUMax      int32
	SRMMin      float64
	SRMMax      float64
}

// Brewery is who brews a beer.
type Brewery struct {
	ID          string
	Name        string
	City        string
	Country     string // ISO 3166-1 alpha-2
	Founded     int32  // year
	Description string
}

// Details are what staff say of a beer.
type Details struct {
	Slug        string
	Name        string
	BreweryID   string
	StyleID     string
	Description string
	ABV         float64 // percent by volume
	IBU         int32
	SRM         float64
	Format      Format
	VolumeML    int32
	Price       int64 // minor units of Currency
	Category    string
	Tags        []string // a set
}

// Equal reports whether both say the same.
func (d Details) Equal(other Details) bool {
	d.Tags, other.Tags = TagSet(d.Tags), TagSet(other.Tags)
	return reflect.DeepEqual(d, other)
}

// TagSet returns the tags in order, each once.
func TagSet(tags []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(tags)))
}

// Beer is a beer as it is sold.
type Beer struct {
	ID string
	Details
	Brewery     Brewery
	Style       Style
	PictureHash string // of the picture shown; empty: none
	Archived    bool
	Version     int64 // grows by one with each change
	CreatedAt   time.Time
}

// Price is what a beer costs this moment.
type Price struct {
	BeerID   string
	Name     string
	Amount   int64 // minor units of Currency
	Archived bool
	Version  int64
}
