package discovery

// Instances returns the addresses of the instances that c would choose from.
func Instances(c *Consul, service string) (addresses []string) {
	p := c.pool(service)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, i := range p.instances {
		addresses = append(addresses, i.address)
	}
	return addresses
}
