package cluster

import "strconv"

// member is a service of the cluster.
type member struct {
	service  string
	replicas int
	database bool // it has one
	secrets  bool // it reads the shop's secrets
}

// topology is which services run, and as how many processes. The edge comes last: it is nothing without the others.
var topology = []member{
	{service: "user", replicas: 1, database: true, secrets: true},
	{service: "catalog", replicas: 1, database: true},
	{service: "inventory", replicas: 1, database: true},
	{service: "cart", replicas: 1, database: true},
	{service: "order", replicas: 2, database: true},
	{service: "payment", replicas: 1, database: true, secrets: true},
	{service: "shipping", replicas: 1, database: true},
	{service: "courier", replicas: 2},
	{service: "notification", replicas: 3, database: true},
	{service: edge, replicas: 1},
}

const edge = "edge"

// natsServers keep each stream on all of them.
const natsServers = 3

// names are the names of a member's processes: the service's, numbered if there are several.
func (m member) names() []string {
	if m.replicas == 1 {
		return []string{m.service}
	}
	names := make([]string, m.replicas)
	for i := range names {
		names[i] = m.service + "-" + strconv.Itoa(i+1)
	}
	return names
}
