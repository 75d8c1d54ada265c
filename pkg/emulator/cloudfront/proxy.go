// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudfront

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// ServeHTTP is the edge as an HTTP proxy: CONNECT is ended here with a certificate of the emulator's own authority, and an
// absolute http:// address is answered as by port 80.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		s.plain(w, r)
		return
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	if s.host(host) == nil {
		http.Error(w, "no distribution here has the name "+host, http.StatusBadGateway)
		return
	}
	certificate, err := s.authority.certificate(host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n")); err != nil {
		return
	}
	s.tunnel(tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}), host)
}

// tunnel answers the requests inside a CONNECT until the client has had enough.
func (s *Service) tunnel(conn net.Conn, host string) {
	reader := bufio.NewReader(conn)
	for {
		r, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		r.URL.Scheme, r.URL.Host = "https", host
		answer := s.Ask(r)
		if answer == nil {
			return
		}
		answer.Request = r
		if r.Method == http.MethodHead {
			answer.Body = http.NoBody
		}
		if answer.Write(conn) != nil || r.Close {
			return
		}
	}
}

// plain is port 80: a redirect where the behaviour wants HTTPS.
func (s *Service) plain(w http.ResponseWriter, r *http.Request) {
	answer := s.Ask(r)
	if answer == nil {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close()
		}
		return
	}
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.StatusCode)
	if body, ok := answer.Body.(readCloser); ok && r.Method != http.MethodHead {
		_, _ = body.WriteTo(w) // the client may have gone
	}
}

// Ask is what a viewer gets now from an edge in the probe's Region. The request's host is an alias or the domain name of a
// distribution; any other gets what CloudFront answers to a name that is on no distribution. It is nil where the connection
// ends without an answer.
func (s *Service) Ask(r *http.Request) *http.Response {
	s.mu.Lock()
	d := s.named(hostname(r))
	s.visits++
	visit, region := s.visits, s.probeRegion
	var p past
	if d != nil {
		p = d.snapshot()
	}
	s.mu.Unlock()
	now := s.world.Clock.Now()
	if d == nil {
		return viewed(OwnError(http.StatusForbidden, "Error", "Bad request."), Deployed{At: now, Region: region}, 0, visit)
	}
	cfg := p.deployed(now, region)
	policy := text(cfg.Behaviour(r.URL.Path), "ViewerProtocolPolicy")
	if r.URL.Scheme == "http" && policy == "redirect-to-https" {
		header := http.Header{"Server": {"CloudFront"}, "Location": {"https://" + hostname(r) + r.URL.RequestURI()}}
		return viewed(EdgeAnswer{Status: http.StatusMovedPermanently, Header: header}, cfg, 0, visit)
	}
	answer, age := p.ask(now, region, r)
	if answer.Drop {
		return nil
	}
	if !met(answer.Share, visit) {
		answer, age = Healthy(cfg, r), 0
	}
	return viewed(answer, cfg, age, visit)
}

// met says whether the visit is of the share that gets the answer: the golden ratio spreads visits evenly.
func met(share float64, visit int) bool {
	if share <= 0 || share >= 1 {
		return true
	}
	position := float64(visit) * 0.6180339887498949
	return position-float64(int(position)) < share
}

func hostname(r *http.Request) string {
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

func (s *Service) host(name string) *distribution {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.named(name)
}

// named is the distribution with an alias or domain name. The lock is held.
func (s *Service) named(name string) *distribution {
	for _, d := range s.distributions {
		if strings.EqualFold(d.domain, name) || slices.ContainsFunc(items(d.live().config, "Aliases"), func(alias any) bool { return covers(alias, name) }) {
			return d
		}
	}
	return nil
}

func covers(alias any, name string) bool {
	pattern, _ := alias.(string)
	if suffix, wild := strings.CutPrefix(pattern, "*"); wild {
		return strings.HasSuffix(strings.ToLower(name), strings.ToLower(suffix))
	}
	return strings.EqualFold(pattern, name)
}

// CA is the PEM certificate of the authority that signs the edges' certificates; a client trusts it through SSL_CERT_FILE.
func (s *Service) CA() ([]byte, error) { return s.authority.pem() }

// authority is a certificate authority in memory, made when it is first needed.
type authority struct {
	once   sync.Once
	err    error
	key    *ecdsa.PrivateKey
	root   *x509.Certificate
	mu     sync.Mutex
	leaves map[string]tls.Certificate
}

// The certificates are valid whatever the machine's or the account's clock says.
var (
	notBefore = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	notAfter  = time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC)
)

func (a *authority) start() error {
	a.once.Do(func() {
		a.leaves = map[string]tls.Certificate{}
		if a.key, a.err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); a.err != nil {
			return
		}
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "cloudfront503 emulator"}, NotBefore: notBefore, NotAfter: notAfter,
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		}
		var der []byte
		if der, a.err = x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key); a.err == nil {
			a.root, a.err = x509.ParseCertificate(der)
		}
	})
	if a.err != nil {
		return fmt.Errorf("certificate authority: %w", a.err)
	}
	return nil
}

func (a *authority) pem() ([]byte, error) {
	if err := a.start(); err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.root.Raw}), nil
}

func (a *authority) certificate(host string) (tls.Certificate, error) {
	if err := a.start(); err != nil {
		return tls.Certificate{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if leaf, ok := a.leaves[host]; ok {
		return leaf, nil
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(len(a.leaves) + 2)), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: notBefore, NotAfter: notAfter, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.root, &a.key.PublicKey, a.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certificate for %s: %w", host, err)
	}
	leaf := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}
	a.leaves[host] = leaf
	return leaf, nil
}
