package mtls

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	mathrand "math/rand/v2"
	"net/url"
	"time"
)

// spread is the time over which all services get certificates of a new root. Those of the former are good meanwhile.
const spread = 4 * time.Second

// awaitLeaf waits for the first certificate and renews it in the background until ctx ends.
func (a *Authority) awaitLeaf(ctx context.Context, i *Identity) error {
	if err := a.retry(ctx, func() error { return a.issue(ctx, i) }); err != nil {
		return err
	}
	go a.renew(ctx, i)
	return nil
}

// renew replaces the certificate when about half of its life is over, or when there is a new root.
func (a *Authority) renew(ctx context.Context, i *Identity) {
	for {
		left := max(time.Until(i.leaf.Load().Leaf.NotAfter), time.Second)
		timer := time.NewTimer(left/2 + mathrand.N(left/8)) //nolint:gosec // spreads load, keeps no secret
		select {
		case <-timer.C:
		case <-i.rotated:
			sleep(ctx, spread/2)
		case <-ctx.Done():
		}
		timer.Stop()
		a.replace(ctx, i)
		if ctx.Err() != nil {
			return
		}
	}
}

// replace tries to get a new certificate until it is there or ctx ends.
func (a *Authority) replace(ctx context.Context, i *Identity) {
	var warned time.Time
	for pause := firstPause; ctx.Err() == nil; pause = min(2*pause, maxPause) {
		err := a.issue(ctx, i)
		if err == nil {
			return
		}
		if ctx.Err() == nil && time.Since(warned) > time.Minute {
			warned = time.Now()
			a.cfg.Log.WarnContext(ctx, "the certificate of this service can't be renewed: no service can be called once it has expired",
				slog.String("service", i.service), slog.Time("expires", i.leaf.Load().Leaf.NotAfter), slog.Any("error", err))
		}
		sleep(ctx, pause)
	}
}

// issue makes a key and has a certificate for it signed.
func (a *Authority) issue(ctx context.Context, i *Identity) error {
	servers, datacenter, err := a.servers(ctx)
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	name := &url.URL{Scheme: "spiffe", Host: i.trust.Load().domain, Path: "/ns/default/dc/" + datacenter + "/svc/" + i.service}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{URIs: []*url.URL{name}}, key)
	if err != nil {
		return err
	}
	chain, err := a.sign(ctx, servers, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: request})))
	if err != nil {
		return err
	}
	certificate := tls.Certificate{PrivateKey: key}
	for block, rest := pem.Decode([]byte(chain)); block != nil; block, rest = pem.Decode(rest) {
		certificate.Certificate = append(certificate.Certificate, block.Bytes)
	}
	if len(certificate.Certificate) == 0 {
		return errors.New("the authority answered without a certificate")
	}
	if certificate.Leaf, err = x509.ParseCertificate(certificate.Certificate[0]); err != nil {
		return err
	}
	if !key.PublicKey.Equal(certificate.Leaf.PublicKey) {
		return errors.New("the authority answered with a certificate of another key")
	}
	i.leaf.Store(&certificate)
	return nil
}
