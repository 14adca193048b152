package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	consul "github.com/hashicorp/consul/api"
)

// otherSeat is added to the names of addresses and log of every other process that takes a replica's place.
const otherSeat = "-next"

// Replace has a new process take the place of a replica of a service, at addresses of its own, as an update does: it is
// started, and once Consul says that it is up handOver is told of it, and then the old one is asked to end. The new one
// has the old one's name. One replica is replaced at a time.
func (c *Cluster) Replace(ctx context.Context, name string, handOver func(next *Process)) error {
	m, ok := memberOf(name)
	if !ok {
		return fmt.Errorf("%s is no process of a service", name)
	}
	old, seat := c.Process(name), otherSeat
	if old.seat == otherSeat {
		seat = ""
	}
	next, err := c.newService(m, name, seat)
	if err != nil {
		return err
	}
	if err := next.Start(ctx); err != nil {
		return errors.Join(err, next.Stop())
	}
	if err := c.awaitPassing(ctx, m.service, next); err != nil {
		return errors.Join(err, next.Stop())
	}
	c.mu.Lock()
	if c.edge == old {
		c.edge = next
	}
	if i := slices.Index(c.services, old); i >= 0 {
		c.services[i] = next
	}
	c.mu.Unlock()
	if handOver != nil {
		handOver(next)
	}
	return old.Stop()
}

func memberOf(process string) (member, bool) {
	i := slices.IndexFunc(topology, func(m member) bool { return slices.Contains(m.names(), process) })
	if i < 0 {
		return member{}, false
	}
	return topology[i], true
}

// awaitPassing waits until Consul tells everybody of a process.
func (c *Cluster) awaitPassing(ctx context.Context, service string, p *Process) error {
	client, err := c.ConsulClient()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	return until(ctx, func() error {
		asking, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		entries, _, err := client.Health().Service(service, "", true, new(consul.QueryOptions).WithContext(asking))
		if err != nil {
			return err
		}
		for _, e := range entries {
			if fmt.Sprintf("%s:%d", e.Service.Address, e.Service.Port) == p.address {
				return nil
			}
		}
		return fmt.Errorf("Consul does not know %s at %s", p.name, p.address) //nolint:staticcheck // a name
	})
}
