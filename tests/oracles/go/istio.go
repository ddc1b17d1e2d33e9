package main

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	pkiutil "istio.io/istio/security/pkg/pki/util"
	"meshroot.example/lines"
)

// judgeCacerts loads a folder as istiod loads /etc/cacerts: the same files in the same layouts, with Istio's own loader.
//
// What surrounds that loader in istiod (completeness, "is it a CA") is in packages that pull in the whole Kubernetes client, so
// those two rules, a few lines each, stand here again: pilot/pkg/bootstrap/istio_ca.go and security/pkg/pki/ca/ca.go.
// Istio's loader always judges by the present time.
func judgeCacerts(line []byte, _ *answer) error {
	var request struct {
		Oracle string `json:"oracle"`
		Dir    string `json:"dir"`
	}
	if err := lines.Decode(line, &request); err != nil {
		return err
	}
	if info, err := os.Stat(request.Dir); err != nil || !info.IsDir() {
		return lines.Faultf("dir: %q is no folder", request.Dir)
	}
	in := func(name string) string { return filepath.Join(request.Dir, name) }
	cert, key, chain, root := in("ca-cert.pem"), in("ca-key.pem"), []string{in("cert-chain.pem")}, in("root-cert.pem")
	crl := in("ca-crl.pem")
	if exists(in("tls.crt")) { // the kubernetes.io/tls layout that cert-manager writes; it has no CRL
		cert, key, root, crl = in("tls.crt"), in("tls.key"), in("ca.crt"), ""
		chain = []string{cert, root}
	}
	for _, file := range append([]string{cert, key, root}, chain...) {
		if !exists(file) {
			return fmt.Errorf("incomplete signing CA bundle: no %s", filepath.Base(file))
		}
	}
	if !exists(crl) {
		crl = ""
	}
	if _, err := pkiutil.NewVerifiedKeyCertBundleFromFile(cert, key, chain, root, crl); err != nil {
		return err
	}
	return isCA(cert)
}

func isCA(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return errors.New("invalid PEM encoded certificate")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err
	}
	if !cert.IsCA {
		return errors.New("certificate is not authorized to sign other certificates")
	}
	return nil
}

func exists(file string) bool {
	info, err := os.Stat(file)
	return err == nil && !info.IsDir()
}
