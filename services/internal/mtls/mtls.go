// Package mtls lets services prove to each other who they are: by short-lived certificates that Consul's authority
// signs. Who may have the certificate of a service is decided by Consul: its token needs `service:write` on that name.
//
// Keys are made here and never leave the process. Consul's agents offer to make key and certificate too
// (/v1/agent/connect/ca/leaf/), but as of 1.22 an agent remembers them by the service's name alone, and hands them to
// whoever asks next, whatever the token. So the servers are asked to sign instead, which judges each request.
package mtls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync/atomic"

	consulapi "github.com/hashicorp/consul/api"
)

// Identity is one service's certificate and what it takes to check those of others. Both change over time, under
// connections that go on.
type Identity struct {
	service string
	leaf    atomic.Pointer[tls.Certificate]
	trust   atomic.Pointer[trust]
	rotated chan struct{} // there is a new root
}

// Identity waits for the certificate of a service, and then renews it until ctx ends. While Consul is away the last one
// stays in use until it expires. Consul's refusal is an error.
func (a *Authority) Identity(ctx context.Context, service string) (*Identity, error) {
	i := &Identity{service: service, rotated: make(chan struct{}, 1)}
	if err := a.awaitRoots(ctx, i); err != nil {
		return nil, fmt.Errorf("the roots of the authority: %w", err)
	}
	if err := a.awaitLeaf(ctx, i); err != nil {
		return nil, fmt.Errorf("the certificate of %s: %w", service, err)
	}
	return i, nil
}

func (i *Identity) takeRoots(list *consulapi.CARootList) error {
	t := &trust{domain: list.TrustDomain, active: list.ActiveRootID, roots: x509.NewCertPool()}
	for _, root := range list.Roots { // a former root is among them until no certificate of it is left
		if !t.roots.AppendCertsFromPEM([]byte(root.RootCertPEM)) {
			return fmt.Errorf("root %s is no certificate", root.ID)
		}
	}
	if t.domain == "" || len(list.Roots) == 0 {
		return errors.New("the authority has no root yet")
	}
	if before := i.trust.Swap(t); before != nil && before.active != t.active {
		select {
		case i.rotated <- struct{}{}:
		default:
		}
	}
	return nil
}

// Client returns how to reach instances of target and no others, with this identity. It may be used for as long as the
// identity is renewed.
func (i *Identity) Client(target string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		NextProtos: []string{"h2"},
		ServerName: target,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return i.leaf.Load(), nil
		},
		// Certificates name services, not hosts: VerifyConnection checks everything.
		InsecureSkipVerify: true, //nolint:gosec // see above
		VerifyConnection: func(state tls.ConnectionState) error {
			name, err := i.trust.Load().verifyServer(state.PeerCertificates)
			if err == nil && name != target {
				err = fmt.Errorf("this is the service %q, not %q", name, target)
			}
			return err
		},
	}
}

// Server returns how to serve as one or more services: callers must have a certificate of the same authority, and get that
// of the service that they ask for by server name. It is for http.Server.ServeTLS and tls.NewListener.
func Server(identities ...*Identity) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		NextProtos: []string{"h2"},
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			for _, i := range identities {
				if i.service == hello.ServerName {
					return i.server(), nil
				}
			}
			return nil, fmt.Errorf("the service %q is not here", hello.ServerName)
		},
	}
}

// server is how to serve one connection.
func (i *Identity) server() *tls.Config {
	t := i.trust.Load()
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		NextProtos:             []string{"h2"},
		Certificates:           []tls.Certificate{*i.leaf.Load()},
		ClientAuth:             tls.RequireAndVerifyClientCert,
		ClientCAs:              t.roots,
		SessionTicketsDisabled: true, // connections are kept, and each proves the caller anew
		VerifyConnection: func(state tls.ConnectionState) error {
			_, err := t.service(state.PeerCertificates[0])
			return err
		},
	}
}

// Caller returns which service called, on a connection to Server. ok is false without a verified certificate of a
// service.
func Caller(state *tls.ConnectionState) (service string, ok bool) {
	if state == nil || len(state.VerifiedChains) == 0 {
		return "", false
	}
	_, service, err := parse(state.PeerCertificates[0])
	return service, err == nil
}
