package shop

import (
	"fmt"
	"strings"
)

// placeholder stands for a service's name in addresses of its own things.
const placeholder = "{service}"

// forEach returns what a pattern says for each service.
func forEach(pattern string) (func(service string) string, error) {
	if !strings.Contains(pattern, placeholder) {
		return nil, fmt.Errorf("--database-url must have %s in it, since each service has a database of its own: write postgres://user@host/taproom_%[1]s", placeholder)
	}
	return func(service string) string { return strings.ReplaceAll(pattern, placeholder, service) }, nil
}
