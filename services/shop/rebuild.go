package shop

import (
	"context"
	"fmt"
	"log/slog"
)

// Rebuild has the services named make anew what they derive from elsewhere, or all that do. Nothing is served.
func (s *Shop) Rebuild(ctx context.Context, names []string) error {
	return rebuild(ctx, s.running, names, s.log)
}

// Rebuild is Shop's, for those of the process's services that derive something.
func (m *Member) Rebuild(ctx context.Context) error { return rebuild(ctx, m.running, nil, m.log) }

func rebuild(ctx context.Context, services []running, names []string, log *slog.Logger) error {
	if _, err := named(names); err != nil {
		return err
	}
	wanted := make(map[string]bool, len(names))
	for _, name := range names {
		wanted[name] = true
	}
	for _, r := range services {
		if r.module.Rebuild == nil || len(names) > 0 && !wanted[r.module.Name] {
			continue
		}
		made, err := r.module.Rebuild(ctx)
		if err != nil {
			return fmt.Errorf("rebuilding %s: %w", r.module.Name, err)
		}
		log.InfoContext(ctx, "rebuilt", slog.String("service", r.module.Name), slog.Int("made", made))
	}
	return nil
}
