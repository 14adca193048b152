package telemetry

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
)

// Levels are the least important messages to log, for all services and for some of them: `info,order=debug,edge=warn`.
// The zero value logs from slog.LevelInfo on.
type Levels struct {
	all slog.Level
	of  map[string]slog.Level
}

// UnmarshalText reads what an operator wrote.
func (l *Levels) UnmarshalText(text []byte) error {
	*l = Levels{of: make(map[string]slog.Level)}
	general := false
	for part := range strings.SplitSeq(string(text), ",") {
		service, word, named := strings.Cut(part, "=")
		if !named {
			service, word = "", part
		}
		level, err := parseLevel(word)
		if err != nil {
			return err
		}
		_, twice := l.of[service]
		switch {
		case named && service == "":
			return fmt.Errorf("log level %q names no service: write for instance order=debug", part)
		case twice, !named && general:
			return fmt.Errorf("log level %q comes twice for the same: keep one of them", part)
		case named:
			l.of[service] = level
		default:
			general, l.all = true, level
		}
	}
	return nil
}

func parseLevel(word string) (level slog.Level, err error) {
	switch strings.ToLower(word) {
	case "debug", "info", "warn", "error":
		err = level.UnmarshalText([]byte(word))
		return level, err
	}
	return level, fmt.Errorf("log level %q: write debug, info, warn or error, and for single services such as info,order=debug,edge=warn", word)
}

// MarshalText is the reverse of UnmarshalText.
func (l Levels) MarshalText() ([]byte, error) {
	parts := []string{strings.ToLower(l.all.String())}
	for service, level := range l.of {
		parts = append(parts, service+"="+strings.ToLower(level.String()))
	}
	slices.Sort(parts[1:])
	return []byte(strings.Join(parts, ",")), nil
}

// Check refuses levels for services that don't exist.
func (l Levels) Check(services ...string) error {
	var errs []error
	for service := range l.of {
		if !slices.Contains(services, service) {
			errs = append(errs, fmt.Errorf("log level of %q: there is no such service; write one of %s", service, strings.Join(services, ", ")))
		}
	}
	return errors.Join(errs...)
}

// Level is that of messages which belong to no service. It implements slog.Leveler.
func (l Levels) Level() slog.Level { return l.all }

// Of is the level of a service.
func (l Levels) Of(service string) slog.Level {
	if level, ok := l.of[service]; ok {
		return level
	}
	return l.all
}

// least is the lowest of all levels.
func (l Levels) least() slog.Level {
	least := l.all
	for _, level := range l.of {
		least = min(least, level)
	}
	return least
}
