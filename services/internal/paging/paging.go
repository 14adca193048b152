// Package paging turns a list's keyset, the sort key of the last row of a page, into an opaque page token and back.
package paging

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"

	"github.com/taproom-shop/taproom/services/internal/fault"
)

const (
	// DefaultSize is the page size when the caller names none.
	DefaultSize = 20
	// MaxSize is the largest page that is given.
	MaxSize = 100

	maxToken = 4096 // bytes; a keyset is a handful of short values
)

// Size returns how many rows to give a caller that asked for n: DefaultSize when n is not positive, never more than MaxSize.
func Size(n int32) int {
	if n <= 0 {
		return DefaultSize
	}
	return min(int(n), MaxSize)
}

// Encode returns the token of a keyset, a small struct of exported fields. Put what the list was filtered and sorted by
// into it, too, if a token from another query must be refused.
func Encode(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("paging: keyset %T can't be encoded: %v", v, err))
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

// Decode reads a token made by Encode into v. The empty token, which asks for the first page, leaves v as it is. A token
// that Encode can't have made from such a v is refused with PAGE_TOKEN_INVALID.
func Decode(token string, v any) error {
	if token == "" {
		return nil
	}
	if len(token) > maxToken {
		return invalid(fmt.Errorf("token of %d bytes", len(token)))
	}
	data, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return invalid(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return invalid(err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return invalid(fmt.Errorf("more than one value"))
	}
	return nil
}

func invalid(cause error) error {
	return fault.Invalid("PAGE_TOKEN_INVALID", "pass page_token as next_page_token gave it, with the same other parameters").WithCause(cause)
}
