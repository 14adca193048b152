package shop

import (
	"context"
	"maps"
	"slices"
	"strings"

	consul "github.com/hashicorp/consul/api"
)

func (c Cluster) examineConsul(ctx context.Context) []Finding {
	const part = "consul"
	ctx, cancel := context.WithTimeout(ctx, 2*partTimeout)
	defer cancel()
	client, err := c.openConsul()
	if err != nil {
		return []Finding{problem(part, "correct --consul-url", "%s", err)}
	}
	query := (&consul.QueryOptions{}).WithContext(ctx)
	leader, err := client.Status().LeaderWithQueryOptions(query)
	if err != nil {
		return []Finding{problem(part, "start the Consul agent, or correct --consul-url and the token", "not reachable: %s", err)}
	}
	if leader == "" {
		return []Finding{problem(part, "start enough Consul servers for a majority", "the servers have no leader")}
	}
	findings := []Finding{good(part, "leader at %s", leader)}
	if roots, _, err := client.Connect().CARoots(query); err != nil {
		findings = append(findings, problem(part, "set connect { enabled = true } in the servers' configuration: services prove who they are with its certificates", "its certificate authority does not answer: %s", err))
	} else {
		findings = append(findings, good(part, "certificates for the trust domain %s", roots.TrustDomain))
	}
	for _, name := range append(Names(), EdgeName) {
		findings = append(findings, examineInstances(client, query, name))
	}
	return findings
}

func examineInstances(client *consul.Client, query *consul.QueryOptions, name string) Finding {
	part := "service " + name
	entries, _, err := client.Health().Service(name, "", false, query)
	if err != nil {
		return problem(part, "give the token service:read and node:read on everything", "%s", err)
	}
	healthy := 0
	versions := make(map[string]bool)
	for _, entry := range entries {
		if entry.Checks.AggregatedStatus() == consul.HealthPassing {
			healthy++
		}
		versions[entry.Service.Meta["version"]] = true
	}
	known := strings.Join(slices.Sorted(maps.Keys(versions)), ", ")
	switch {
	case healthy == 0:
		return problem(part, "start it: taproom serve "+name, "no healthy instance of %d", len(entries))
	case healthy < len(entries):
		return warning(part, "look at /healthz of the others", "%d of %d instances are healthy, version %s", healthy, len(entries), known)
	case len(versions) > 1:
		return warning(part, "finish the roll-out", "%s of versions %s", plural(healthy, "healthy instance"), known)
	default:
		return good(part, "%s, version %s", plural(healthy, "healthy instance"), known)
	}
}
