package domain

// Sort is the order of a list of beers. Equal beers are told apart by their id.
type Sort int

// The orders.
const (
	ByRelevance Sort = iota // best matches first: see Filter.Words
	ByName
	ByPriceAsc
	ByPriceDesc
	ByABVDesc
	ByNewest
)

// Filter says which beers. Empty parts don't filter. Several values of one part widen it, except for tags; several parts
// narrow it. Archived beers never match.
type Filter struct {
	// Words must all be found in the beer, its brewery's and its style's names or its description, the last one as a
	// beginning. They are folded, as the function Words returns them. A beer with all of them in its name is a better match
	// than one that needs the names of brewery or style for it, and the description makes the weakest; equally good
	// matches are sorted by name.
	Words      []string
	StyleIDs   []string
	BreweryIDs []string
	Categories []string
	Formats    []Format
	Tags       []string // a beer must have all of them
	PriceMin   int64    // minor units; 0: any
	PriceMax   int64    // minor units; 0: any
	ABVMin     float64  // percent; 0: any
	ABVMax     float64  // percent; 0: any
}

// Facets count what each choice of a filter would show.
type Facets struct {
	Total  int64 // beers that match the filter
	Facets []Facet
}

// The facets' names.
const (
	FacetStyle    = "style"
	FacetBrewery  = "brewery"
	FacetCategory = "category"
	FacetFormat   = "format"
	FacetTag      = "tag"
)

// Facet is one filter with its choices, the most frequent first.
type Facet struct {
	Name   string
	Values []FacetValue
}

// FacetValue is one choice.
type FacetValue struct {
	Value string
	Label string // a name, where the value is an id
	Count int64
}
