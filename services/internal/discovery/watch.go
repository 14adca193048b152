package discovery

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	consulapi "github.com/hashicorp/consul/api"
)

const (
	// watchTime is how long Consul holds a question to which there is no news.
	watchTime = 30 * time.Second
	// answerTime is how much longer than asked for an answer may take. Consul adds a sixteenth by itself.
	answerTime = 10 * time.Second
	// questionGap lies between two questions at least, however fast the news comes.
	questionGap = 100 * time.Millisecond
	// firstPause and maxPause bound how long an outage of Consul is waited out before it is asked again.
	firstPause, maxPause = 200 * time.Millisecond, 5 * time.Second
	// doubt is how long an empty set is not believed after an outage or a loss of Consul's state: services register
	// again within seconds, and trying instances that are gone costs little.
	doubt = 20 * time.Second
)

// watch keeps a pool's instances as Consul knows them until the resolver is closed.
func (c *Consul) watch(p *pool) {
	var (
		index   uint64    // of the state that was seen last; 0 asks for an answer at once
		outage  bool      // the last question had no answer
		certain time.Time // from then on an empty set is believed
		pause   = firstPause
		log     = c.cfg.Log.With(slog.String("peer", p.service))
	)
	for c.ctx.Err() == nil {
		wait := watchTime
		if left := time.Until(certain); left > 0 {
			wait = min(wait, left)
		}
		addresses, seen, err := c.ask(p.service, index, wait)
		if c.ctx.Err() != nil {
			return
		}
		if err != nil {
			if !outage {
				log.WarnContext(c.ctx, "Consul can't be asked for instances: those known last stay in use", slog.Any("error", err))
			}
			p.answered()
			outage, index = true, 0
			sleep(c.ctx, pause)
			pause = min(2*pause, maxPause)
			continue
		}
		if outage || seen < index {
			log.InfoContext(c.ctx, "Consul answers again or anew")
			certain = time.Now().Add(doubt)
		}
		if len(addresses) > 0 || p.size() == 0 || !time.Now().Before(certain) {
			p.update(c.ctx, log, addresses)
		}
		if seen < index {
			index = 0
		} else {
			index = max(seen, 1)
		}
		outage, pause = false, firstPause
		sleep(c.ctx, questionGap)
	}
}

// ask returns the addresses of the healthy instances as soon as Consul's state is newer than index, or after wait.
func (c *Consul) ask(service string, index uint64, wait time.Duration) (addresses []string, seen uint64, err error) {
	ctx, cancel := context.WithTimeout(c.ctx, wait+wait/16+answerTime)
	defer cancel()
	options := (&consulapi.QueryOptions{WaitIndex: index, WaitTime: max(wait, questionGap)}).WithContext(ctx)
	entries, meta, err := c.cfg.Client.Health().Service(service, "", true, options)
	if err != nil {
		return nil, 0, err
	}
	for _, entry := range entries {
		address := net.JoinHostPort(cmp.Or(entry.Service.Address, entry.Node.Address), strconv.Itoa(entry.Service.Port))
		addresses = append(addresses, address)
	}
	return addresses, meta.LastIndex, nil
}

// update sets the instances and logs what changed.
func (p *pool) update(ctx context.Context, log *slog.Logger, addresses []string) {
	added, left := p.set(addresses)
	if len(added)+len(left) > 0 {
		log.InfoContext(ctx, "instances changed",
			slog.Int("instances", len(addresses)), slog.Any("added", added), slog.Any("left", left))
	}
}

// sleep waits for about d, so that many processes don't ask at the same moment, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d/2 + rand.N(d)) //nolint:gosec // spreads load, keeps no secret
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
