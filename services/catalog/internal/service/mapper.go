package service

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/timestamppb"

	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/catalog/internal/domain"
	"github.com/taproom-shop/taproom/services/internal/money"
)

func mapped[From, To any](values []From, convert func(From) To) []To {
	out := make([]To, len(values))
	for i, value := range values {
		out[i] = convert(value)
	}
	return out
}

func beerToProto(b domain.Beer) *catalogv1.Beer {
	return &catalogv1.Beer{
		Id:          b.ID,
		Slug:        b.Slug,
		Name:        b.Name,
		Brewery:     breweryToProto(b.Brewery),
		Style:       styleToProto(b.Style),
		Description: b.Description,
		Abv:         b.ABV,
		Ibu:         b.IBU,
		Srm:         b.SRM,
		Format:      formatToProto(b.Format),
		VolumeMl:    b.VolumeML,
		Price:       money.New(b.Price, domain.Currency).Proto(),
		Category:    b.Category,
		Tags:        b.Tags,
		PicturePath: picturePath(b),
		Archived:    b.Archived,
		Version:     b.Version,
		CreatedAt:   timestamppb.New(b.CreatedAt),
	}
}

func picturePath(b domain.Beer) string {
	if b.PictureHash == "" {
		return ""
	}
	return PicturePattern + b.ID + "/" + b.PictureHash
}

func styleToProto(s domain.Style) *catalogv1.Style {
	return &catalogv1.Style{
		Id:          s.ID,
		Name:        s.Name,
		Family:      s.Family,
		Description: s.Description,
		AbvMin:      s.ABVMin,
		AbvMax:      s.ABVMax,
		IbuMin:      s.IBUMin,
		IbuMax:      s.IBUMax,
		SrmMin:      s.SRMMin,
		SrmMax:      s.SRMMax,
	}
}

func styleFromProto(s *catalogv1.Style) domain.Style {
	return domain.Style{
		ID:          s.GetId(),
		Name:        s.GetName(),
		Family:      s.GetFamily(),
		Description: s.GetDescription(),
		ABVMin:      s.GetAbvMin(),
		ABVMax:      s.GetAbvMax(),
		IBUMin:      s.GetIbuMin(),
		IBUMax:      s.GetIbuMax(),
		SRMMin:      s.GetSrmMin(),
		SRMMax:      s.GetSrmMax(),
	}
}

func breweryToProto(b domain.Brewery) *catalogv1.Brewery {
	return &catalogv1.Brewery{
		Id:          b.ID,
		Name:        b.Name,
		City:        b.City,
		Country:     b.Country,
		Founded:     b.Founded,
		Description: b.Description,
	}
}

func breweryFromProto(b *catalogv1.Brewery) domain.Brewery {
	return domain.Brewery{
		ID:          b.GetId(),
		Name:        b.GetName(),
		City:        b.GetCity(),
		Country:     b.GetCountry(),
		Founded:     b.GetFounded(),
		Description: b.GetDescription(),
	}
}

func detailsFromProto(b *catalogv1.BeerInput) domain.Details {
	return domain.Details{
		Slug:        b.GetSlug(),
		Name:        b.GetName(),
		BreweryID:   b.GetBreweryId(),
		StyleID:     b.GetStyleId(),
		Description: b.GetDescription(),
		ABV:         b.GetAbv(),
		IBU:         b.GetIbu(),
		SRM:         b.GetSrm(),
		Format:      formatFromProto(b.GetFormat()),
		VolumeML:    b.GetVolumeMl(),
		Price:       b.GetPriceMinorUnits(),
		Category:    b.GetCategory(),
		Tags:        b.GetTags(),
	}
}

func detailsToProto(d domain.Details) *catalogv1.BeerInput {
	return &catalogv1.BeerInput{
		Slug:            d.Slug,
		Name:            d.Name,
		BreweryId:       d.BreweryID,
		StyleId:         d.StyleID,
		Description:     d.Description,
		Abv:             d.ABV,
		Ibu:             d.IBU,
		Srm:             d.SRM,
		Format:          formatToProto(d.Format),
		VolumeMl:        d.VolumeML,
		PriceMinorUnits: d.Price,
		Category:        d.Category,
		Tags:            d.Tags,
	}
}

func priceToProto(p domain.Price) *catalogv1.BeerPrice {
	return &catalogv1.BeerPrice{
		BeerId:   p.BeerID,
		Name:     p.Name,
		Price:    money.New(p.Amount, domain.Currency).Proto(),
		Archived: p.Archived,
		Version:  p.Version,
	}
}

func stateToProto(b domain.Beer) *eventv1.BeerState {
	return &eventv1.BeerState{
		BeerId:    b.ID,
		Version:   b.Version,
		Slug:      b.Slug,
		Name:      b.Name,
		Price:     money.New(b.Price, domain.Currency).Proto(),
		StyleId:   b.StyleID,
		BreweryId: b.BreweryID,
		Archived:  b.Archived,
	}
}

// facetToProto names values as the filter takes them, and gives those without a name a readable label.
func facetToProto(f domain.Facet) *catalogv1.Facet {
	return &catalogv1.Facet{Name: f.Name, Values: mapped(f.Values, func(v domain.FacetValue) *catalogv1.FacetValue {
		value, label := v.Value, v.Label
		if label == "" {
			label = capitalized(strings.ToLower(value))
		}
		if f.Name == domain.FacetFormat {
			value = formatToProto(domain.Format(value)).String()
		}
		return &catalogv1.FacetValue{Value: value, Label: label, Count: v.Count}
	})}
}

func capitalized(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}

var formats = map[domain.Format]catalogv1.Format{
	domain.Bottle: catalogv1.Format_FORMAT_BOTTLE,
	domain.Can:    catalogv1.Format_FORMAT_CAN,
	domain.Keg:    catalogv1.Format_FORMAT_KEG,
}

func formatToProto(f domain.Format) catalogv1.Format { return formats[f] }

func formatFromProto(f catalogv1.Format) domain.Format {
	for format, number := range formats {
		if number == f {
			return format
		}
	}
	return ""
}
