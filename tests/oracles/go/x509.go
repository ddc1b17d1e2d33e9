package main

import (
	"crypto/x509"
	"fmt"

	"meshroot.example/lines"
)

// judgeX509 is crypto/x509: path building, signatures, validity, CA flags, path length, key purposes.
func judgeX509(line []byte, _ *answer) error {
	var request struct {
		Oracle        string `json:"oracle"`
		Roots         string `json:"roots"`
		Intermediates string `json:"intermediates"`
		Leaf          string `json:"leaf"`
		At            string `json:"at"`
		Usage         string `json:"usage"`
		SpiffeID      string `json:"spiffe_id"`
	}
	if err := lines.Decode(line, &request); err != nil {
		return err
	}
	usages := map[string]x509.ExtKeyUsage{
		"": x509.ExtKeyUsageAny, "any": x509.ExtKeyUsageAny,
		"server": x509.ExtKeyUsageServerAuth, "client": x509.ExtKeyUsageClientAuth,
	}
	usage, known := usages[request.Usage]
	if !known {
		return lines.Faultf("usage: %q is none of any, server, client", request.Usage)
	}
	at, err := instant(request.At)
	if err != nil {
		return err
	}
	roots, err := certificates("roots", request.Roots)
	if err != nil {
		return err
	}
	var intermediates []*x509.Certificate
	if request.Intermediates != "" {
		if intermediates, err = certificates("intermediates", request.Intermediates); err != nil {
			return err
		}
	}
	leaf, err := certificates("leaf", request.Leaf)
	if err != nil {
		return err
	}
	if len(leaf) != 1 {
		return lines.Faultf("leaf: %d certificates, wanted one", len(leaf))
	}
	_, err = leaf[0].Verify(x509.VerifyOptions{
		Roots:         pool(roots),
		Intermediates: pool(intermediates),
		CurrentTime:   at,
		KeyUsages:     []x509.ExtKeyUsage{usage},
	})
	if err != nil {
		return err
	}
	if want := request.SpiffeID; want != "" {
		if uris := leaf[0].URIs; len(uris) != 1 || uris[0].String() != want {
			return fmt.Errorf("the leaf's URI names are %v, wanted exactly %s", uris, want)
		}
	}
	return nil
}

func pool(certs []*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, cert := range certs {
		p.AddCert(cert)
	}
	return p
}

// judgeCSR parses a certification request with Go and checks its proof of possession.
func judgeCSR(line []byte, _ *answer) error {
	var request struct {
		Oracle string `json:"oracle"`
		CSR    string `json:"csr"`
	}
	if err := lines.Decode(line, &request); err != nil {
		return err
	}
	ders, err := blocks("csr", request.CSR, "CERTIFICATE REQUEST")
	if err != nil {
		return err
	}
	if len(ders) != 1 {
		return lines.Faultf("csr: %d requests, wanted one", len(ders))
	}
	csr, err := x509.ParseCertificateRequest(ders[0])
	if err != nil {
		return err
	}
	return csr.CheckSignature()
}
