package provider

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
)

const (
	// SignatureHeader carries a webhook's signature: `t=<unix seconds>,v1=<hex>`, where the hex is the HMAC-SHA256 of
	// `<unix seconds>.<raw body>`.
	SignatureHeader = "Taproom-Card-Signature"
	// SignatureAge is how far a signature's time may be from now.
	SignatureAge = 5 * time.Minute
)

// Errors of Verify.
var (
	ErrSignature = errors.New("the signature is missing or wrong")
	ErrStale     = errors.New("the signature is too old or from the future")
)

// Sign returns the header of a webhook with that body.
func Sign(secret, body []byte, now time.Time) string {
	at := strconv.FormatInt(now.Unix(), 10)
	return "t=" + at + ",v1=" + hex.EncodeToString(digest(secret, at, body))
}

// Verify fails unless header signs body with the secret and is young. It takes as long for a wrong signature as for the right
// one. Several v1 parts may stand in the header while a provider changes its secret.
func Verify(secret, body []byte, header string, now time.Time) error {
	var at string
	var given [][]byte
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			at = value
		case "v1":
			if sum, err := hex.DecodeString(value); err == nil {
				given = append(given, sum)
			}
		}
	}
	want := digest(secret, at, body)
	genuine := false
	for _, sum := range given {
		genuine = hmac.Equal(sum, want) || genuine
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if !genuine || err != nil || len(secret) == 0 {
		return ErrSignature
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > SignatureAge || age < -SignatureAge {
		return ErrStale
	}
	return nil
}

func digest(secret []byte, at string, body []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(at))
	mac.Write([]byte{'.'})
	mac.Write(body)
	return mac.Sum(nil)
}
