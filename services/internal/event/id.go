package event

import (
	"strings"

	"github.com/google/uuid"
)

// idSpace is the name space of derived event ids. Changing it would make new events of old ones.
var idSpace = uuid.MustParse("5b1c0d3e-7a44-5c0e-9c3f-2f6f1f0a8d11")

// DeriveID returns the id of an event that must be the same however often it is made, a UUID of version 5 over its natural
// key, such as a package's id and the step of its delivery.
func DeriveID(key ...string) string {
	return uuid.NewSHA1(idSpace, []byte(strings.Join(key, "\x00"))).String()
}
