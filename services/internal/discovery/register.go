package discovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"time"

	consulapi "github.com/hashicorp/consul/api"
)

const (
	// readyEvery is how often Consul asks an instance whether it is ready; it is dropped after the first refusal.
	readyEvery = "1s"
	// readyTimeout is how long the instance may take to answer.
	readyTimeout = "1s"
	// forgetAfter removes an instance that died without a word; Consul allows no less than a minute.
	forgetAfter = "1m"
	// registrationEvery is how often an instance looks whether it is still registered.
	registrationEvery = 2 * time.Second
	// agentTimeout bounds a question to the agent.
	agentTimeout = 5 * time.Second
)

// Registration is one instance of a service.
type Registration struct {
	// Service is the service's name, such as `order`.
	Service string
	// Address is the host:port at which others reach the instance.
	Address string
	// ReadyURL is polled by Consul by HTTP: with any answer but 2xx, the instance gets no new calls.
	ReadyURL string
	// Version is the version of the program.
	Version string
	// Tags are kept with the registration.
	Tags []string
}

// Register tells the Consul agent of an instance that is ready, and again whenever the agent lost it, until deregister
// is called or ctx ends. An agent that can't be reached is tried again in the background; one that refuses, for example
// because the token lacks `service:write`, is an error.
//
// Deregister takes the instance out of everyone's choice: call it before the server stops, so that no call is sent to a
// server that is going down.
func Register(ctx context.Context, client *consulapi.Client, log *slog.Logger, r Registration) (deregister func(context.Context) error, err error) {
	service, err := r.forAgent()
	if err != nil {
		return nil, err
	}
	log = log.With(slog.String("service", r.Service), slog.String("address", r.Address))
	err = registerOnce(ctx, client, service)
	var refused consulapi.StatusError
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &refused) && refused.Code < 500:
		return nil, fmt.Errorf("register %s with Consul: %w", r.Service, err)
	default:
		log.WarnContext(ctx, "Consul can't be told of this instance: it is tried again", slog.Any("error", err))
	}

	keeping, stop := context.WithCancel(ctx)
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		keepRegistered(keeping, client, log, service)
	}()
	return func(ctx context.Context) error {
		stop()
		<-kept // or it could register again
		err := client.Agent().ServiceDeregisterOpts(service.ID, new(consulapi.QueryOptions).WithContext(ctx))
		if unknown := new(consulapi.StatusError); errors.As(err, unknown) && unknown.Code == 404 {
			return nil
		}
		return err
	}, nil
}

func (r Registration) forAgent() (*consulapi.AgentServiceRegistration, error) {
	host, portText, err := net.SplitHostPort(r.Address)
	if err != nil {
		return nil, fmt.Errorf("the address of %s, %q: write host:port: %w", r.Service, r.Address, err)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil || port == 0 || host == "" {
		return nil, fmt.Errorf("the address of %s, %q: write host:port, as others reach it", r.Service, r.Address)
	}
	ready, err := url.Parse(r.ReadyURL)
	if err != nil {
		return nil, fmt.Errorf("where %s says that it is ready, %q: %w", r.Service, r.ReadyURL, err)
	}
	return &consulapi.AgentServiceRegistration{
		ID:      r.Service + "-" + r.Address, // a process that comes back at its address replaces the one before
		Name:    r.Service,
		Address: host,
		Port:    int(port),
		Tags:    r.Tags,
		Meta:    map[string]string{"version": r.Version, "internal": ready.Host}, // there Prometheus finds its metrics
		Check: &consulapi.AgentServiceCheck{
			Name:                           "ready",
			HTTP:                           r.ReadyURL,
			Interval:                       readyEvery,
			Timeout:                        readyTimeout,
			Status:                         consulapi.HealthPassing, // who registers is ready
			DeregisterCriticalServiceAfter: forgetAfter,
		},
	}, nil
}

func registerOnce(ctx context.Context, client *consulapi.Client, service *consulapi.AgentServiceRegistration) error {
	ctx, cancel := context.WithTimeout(ctx, agentTimeout)
	defer cancel()
	return client.Agent().ServiceRegisterOpts(service, consulapi.ServiceRegisterOpts{ReplaceExistingChecks: true}.WithContext(ctx))
}

// keepRegistered registers the instance again when the agent doesn't know it, for example after it lost its data.
func keepRegistered(ctx context.Context, client *consulapi.Client, log *slog.Logger, service *consulapi.AgentServiceRegistration) {
	for sleep(ctx, registrationEvery); ctx.Err() == nil; sleep(ctx, registrationEvery) {
		if isRegistered(ctx, client, service.ID) {
			continue
		}
		switch err := registerOnce(ctx, client, service); {
		case err == nil:
			log.InfoContext(ctx, "Consul did not know this instance and does again")
		case ctx.Err() == nil:
			log.DebugContext(ctx, "Consul can't be told of this instance", slog.Any("error", err))
		}
	}
}

// isRegistered is false only if the agent says so: while it is away there is nothing to do.
func isRegistered(ctx context.Context, client *consulapi.Client, id string) bool {
	ctx, cancel := context.WithTimeout(ctx, agentTimeout)
	defer cancel()
	_, _, err := client.Agent().Service(id, new(consulapi.QueryOptions).WithContext(ctx))
	unknown := new(consulapi.StatusError)
	return err == nil || !errors.As(err, unknown) || unknown.Code != 404
}
