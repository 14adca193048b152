package shop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/mod/semver"

	"github.com/taproom-shop/taproom/services/internal/messaging"
)

// operator is the user at NATS that may look at everything.
const operator = "operator"

func (c Cluster) examineNATS(ctx context.Context) []Finding {
	const part = "nats"
	ctx, cancel := context.WithTimeout(ctx, 2*partTimeout)
	defer cancel()
	c.StartTimeout = partTimeout
	conn, err := c.broker(ctx, operator, slog.New(slog.DiscardHandler))
	if err != nil {
		return []Finding{problem(part, "start the NATS servers, or correct --nats-url, --nats-user and the password", "not reachable: %s", err)}
	}
	defer conn.Close()
	version := conn.ConnectedServerVersion()
	findings := []Finding{good(part, "NATS %s, %d of the cluster's servers known", version, len(conn.Servers()))}
	if semver.Compare("v"+strings.TrimPrefix(version, "v"), oldestNATS) < 0 {
		findings[0] = problem(part, "run NATS "+strings.TrimPrefix(oldestNATS, "v")+" or later", "NATS %s has faults that can lose updates of carts", version)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		return append(findings, problem(part, "enable JetStream in the servers' configuration", "%s", err))
	}
	if _, err := js.AccountInfo(ctx); err != nil {
		return append(findings, problem(part, "enable JetStream in the servers' configuration, for this user's account", "JetStream does not answer: %s", err))
	}
	for _, want := range messaging.Streams() {
		findings = append(findings, c.examineStream(ctx, js, want))
	}
	return findings
}

func (c Cluster) examineStream(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) Finding {
	part := "stream " + want.Name
	stream, err := js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		owner := messaging.OwnerOf(want.Name)
		if owner == "" {
			owner = "any service"
		}
		return problem(part, "start "+owner+", which makes it", "missing")
	}
	if err != nil {
		return problem(part, "look at the servers' logs: a stream without a leader has lost most of its replicas", "%s", err)
	}
	info := stream.CachedInfo()
	if info.Config.Replicas < c.NATSReplicas {
		return problem(part, "restart the service that looks after it with --nats-replicas set, once enough servers run",
			"%d replicas of %d: it would not survive what it should", info.Config.Replicas, c.NATSReplicas)
	}
	if info.Cluster != nil {
		var away []string
		for _, peer := range info.Cluster.Replicas {
			if peer.Offline || !peer.Current {
				away = append(away, peer.Name)
			}
		}
		if len(away) > 0 {
			return warning(part, "start these servers, or wait until they have caught up", "replicas behind or away: %s", strings.Join(away, ", "))
		}
	}
	return good(part, "%s", plural(info.Config.Replicas, "replica")+", "+plural(int(info.State.Msgs), "message")+", "+plural(info.State.Consumers, "consumer"))
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
