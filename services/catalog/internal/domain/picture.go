package domain

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/webp"
)

// The kinds of pictures.
const (
	SVG  = "image/svg+xml"
	PNG  = "image/png"
	JPEG = "image/jpeg"
	WebP = "image/webp"
)

// maxPixels bounds the width and the height of a picture.
const maxPixels = 4096

// Picture is a picture of a beer.
type Picture struct {
	Hash        string // of the data
	ContentType string
	Data        []byte
}

// NewPicture checks that data is a picture of the kind named, of a size that can be shown, and, since an SVG is a document,
// that it runs and loads nothing. The error says what is wrong with it.
func NewPicture(contentType string, data []byte) (Picture, error) {
	var err error
	switch contentType {
	case SVG:
		err = checkSVG(data)
	case PNG:
		err = checkBitmap(data, png.DecodeConfig)
	case JPEG:
		err = checkBitmap(data, jpeg.DecodeConfig)
	case WebP:
		err = checkBitmap(data, webp.DecodeConfig)
	default:
		err = fmt.Errorf("%q is no kind of picture that is shown here", contentType)
	}
	if err != nil {
		return Picture{}, err
	}
	sum := sha256.Sum256(data)
	return Picture{Hash: hex.EncodeToString(sum[:16]), ContentType: contentType, Data: data}, nil
}

func checkBitmap(data []byte, decode func(io.Reader) (image.Config, error)) error {
	config, err := decode(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("the data is not of the content type named: %w", err)
	}
	if config.Width > maxPixels || config.Height > maxPixels {
		return fmt.Errorf("it has %d by %d pixels, more than %d", config.Width, config.Height, maxPixels)
	}
	return nil
}
