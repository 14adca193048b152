package cluster

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	mathrand "math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/google/uuid"
)

// Ports are taken from these, which systems do not hand out by themselves.
const firstPort, lastPort = 20000, 29999

// state is what one start of the cluster hands to the next: the ports and the secrets.
type state struct {
	path string

	mu      sync.Mutex // guards addresses
	taken   map[int]bool
	given   map[string]string // addresses, once they are decided
	ID      string            `json:"id"`       // of these data
	Home    string            `json:"postgres"` // PostgreSQL's folder
	Ports   map[string]int    `json:"ports"`
	Secrets map[string]string `json:"secrets"`
}

func loadState(path string) (*state, error) {
	s := &state{path: path, taken: make(map[int]bool), given: make(map[string]string), Ports: make(map[string]int), Secrets: make(map[string]string)}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(content, s); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, port := range s.Ports {
		s.taken[port] = true
	}
	return s, nil
}

// save writes the state so that it is whole whenever somebody reads it.
func (s *state) save() error {
	content, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	draft := s.path + ".new"
	if err := os.WriteFile(draft, content, 0o600); err != nil {
		return err
	}
	return os.Rename(draft, s.path)
}

// address is where a thing listens: where it did the last time, unless somebody else does so now.
func (s *state) address(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if address, ok := s.given[name]; ok {
		return address
	}
	port, known := s.Ports[name]
	for !known || !free(port) {
		port = firstPort + mathrand.IntN(lastPort-firstPort+1) //nolint:gosec // no secret
		known = !s.taken[port]
	}
	s.taken[port], s.Ports[name], s.given[name] = true, port, local(port)
	return s.given[name]
}

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func free(port int) bool {
	l, err := net.Listen("tcp", local(port)) //nolint:noctx // returns at once
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// makeSecrets makes the secrets that are missing, and a name for these data, and keeps them, before anything is made that only they open.
func (s *state) makeSecrets() error {
	passwords := []string{"postgres", "redis", "nats routes", "nats system", "nats " + operator}
	tokens := []string{"consul management", "consul " + operator}
	for _, m := range topology {
		passwords = append(passwords, "nats "+m.service, "database "+m.service)
		tokens = append(tokens, "consul "+m.service)
	}
	if s.ID == "" {
		s.ID = strings.ToLower(rand.Text())
	}
	for _, name := range passwords {
		s.keep(name, "p"+rand.Text()) // it begins with a letter, or the configuration of NATS could take it for a number
	}
	for _, name := range tokens {
		token, err := uuid.NewRandom() //nolint:forbidigo // nobody may guess it
		if err != nil {
			return err
		}
		s.keep(name, token.String())
	}
	return s.save()
}

func (s *state) keep(name, secret string) {
	if s.Secrets[name] == "" {
		s.Secrets[name] = secret
	}
}

// secret is one that was made.
func (s *state) secret(name string) string { return s.Secrets[name] }
