package mtls

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
)

// trust is what certificates of others are checked against.
type trust struct {
	domain string // of this authority alone
	active string // the root that signs
	roots  *x509.CertPool
}

// verifyServer checks the chain that a server presented and returns which service it is.
func (t *trust) verifyServer(chain []*x509.Certificate) (service string, err error) {
	if len(chain) == 0 {
		return "", errors.New("the server has no certificate")
	}
	intermediates := x509.NewCertPool()
	for _, certificate := range chain[1:] {
		intermediates.AddCert(certificate)
	}
	if _, err := chain[0].Verify(x509.VerifyOptions{
		Roots: t.roots, Intermediates: intermediates, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}); err != nil {
		return "", err
	}
	return t.service(chain[0])
}

// service returns which service of this trust domain a certificate names.
func (t *trust) service(certificate *x509.Certificate) (string, error) {
	domain, service, err := parse(certificate)
	if err != nil {
		return "", err
	}
	if !strings.EqualFold(domain, t.domain) {
		return "", fmt.Errorf("the trust domain %q is not %q", domain, t.domain)
	}
	return service, nil
}

// parse reads the one name of a certificate: spiffe://<trust domain>/ns/<namespace>/dc/<datacenter>/svc/<service>.
func parse(certificate *x509.Certificate) (domain, service string, err error) {
	if len(certificate.URIs) != 1 || certificate.URIs[0].Scheme != "spiffe" {
		return "", "", fmt.Errorf("a certificate of a service has one name, spiffe://…, not %v", certificate.URIs)
	}
	name := certificate.URIs[0]
	parts := strings.Split(name.Path, "/")
	if len(parts) != 7 || parts[1] != "ns" || parts[3] != "dc" || parts[5] != "svc" || parts[6] == "" {
		return "", "", fmt.Errorf("%s names no service", name)
	}
	return name.Host, parts[6], nil
}
