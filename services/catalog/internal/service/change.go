package service

import (
	"errors"
	"slices"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	"github.com/taproom-shop/taproom/services/catalog/internal/domain"
	"github.com/taproom-shop/taproom/services/internal/fault"
)

// change is new values for some fields of a beer.
type change struct {
	input  *catalogv1.BeerInput
	fields []protoreflect.FieldDescriptor
}

// newChange returns the change of the fields that mask names, which must be fields of a beer and keep the schema's rules
// for them. Other fields of input are not looked at.
func newChange(input *catalogv1.BeerInput, mask *fieldmaskpb.FieldMask) (change, error) {
	c := change{input: input}
	all := input.ProtoReflect().Descriptor().Fields()
	for _, path := range mask.GetPaths() {
		field := all.ByName(protoreflect.Name(path))
		if field == nil {
			return change{}, maskInvalid(all, "%q is not among them", path)
		}
		c.fields = append(c.fields, field)
	}
	if len(c.fields) == 0 {
		return change{}, maskInvalid(all, "none is")
	}
	return c, c.validate()
}

// apply returns the details with the change made.
func (c change) apply(details domain.Details) domain.Details {
	changed := detailsToProto(details)
	from, to := c.input.ProtoReflect(), changed.ProtoReflect()
	for _, field := range c.fields {
		if from.Has(field) {
			to.Set(field, from.Get(field))
		} else {
			to.Clear(field)
		}
	}
	return detailsFromProto(changed)
}

func (c change) validate() error {
	input := c.input
	if input == nil {
		input = &catalogv1.BeerInput{}
	}
	named := protovalidate.FilterFunc(func(_ protoreflect.Message, descriptor protoreflect.Descriptor) bool {
		field, ok := descriptor.(protoreflect.FieldDescriptor)
		return !ok || slices.Contains(c.fields, field)
	})
	err := protovalidate.Validate(input, protovalidate.WithFilter(named))
	var invalid *protovalidate.ValidationError
	if errors.As(err, &invalid) {
		// The request has the fields in `beer`.
		parent := (&catalogv1.UpdateBeerRequest{}).ProtoReflect().Descriptor().Fields().ByName("beer")
		for _, violation := range invalid.Violations {
			path := violation.Proto.GetField()
			path.Elements = slices.Insert(path.GetElements(), 0, &validate.FieldPathElement{
				FieldNumber: new(int32(parent.Number())),
				FieldName:   new(string(parent.Name())),
			})
		}
	}
	return err
}

func maskInvalid(all protoreflect.FieldDescriptors, format string, args ...any) error {
	names := make([]string, all.Len())
	for i := range names {
		names[i] = string(all.Get(i).Name())
	}
	return fault.Invalid("UPDATE_MASK_INVALID", "update_mask must name fields among "+strings.Join(names, ", ")+"; "+format, args...).
		With("allowed", strings.Join(names, ","))
}
