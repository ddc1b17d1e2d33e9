package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"net/url"

	pkiutil "istio.io/istio/security/pkg/pki/util"
	"meshroot.example/lines"
)

// makeCSR makes a fresh key and the request that a real client would send with it.
func makeCSR(line []byte, out *answer) error {
	var request struct {
		Oracle   string `json:"oracle"`
		Kind     string `json:"kind"`
		SpiffeID string `json:"spiffe_id"`
	}
	if err := lines.Decode(line, &request); err != nil {
		return err
	}
	if request.SpiffeID == "" {
		return lines.Faultf("spiffe_id: missing")
	}
	var err error
	switch request.Kind {
	case "go-p256":
		err = goCSR(out, request.SpiffeID, p256)
	case "go-p384":
		err = goCSR(out, request.SpiffeID, func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P384(), rand.Reader) })
	case "go-ed25519":
		err = goCSR(out, request.SpiffeID, func() (crypto.Signer, error) {
			_, key, err := ed25519.GenerateKey(rand.Reader)
			return key, err
		})
	case "go-rsa2048":
		err = goCSR(out, request.SpiffeID, func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 2048) })
	// What pilot-agent passes (security/pkg/nodeagent/cache): Org is left empty and still written, as an O of zero length.
	case "istio-agent":
		err = istioCSR(out, pkiutil.CertOptions{Host: request.SpiffeID, RSAKeySize: 2048})
	case "istio-agent-ecdsa", "istio-agent-ecdsa-p256":
		err = istioCSR(out, pkiutil.CertOptions{Host: request.SpiffeID, ECSigAlg: pkiutil.EcdsaSigAlg, ECCCurve: pkiutil.P256Curve})
	case "istio-agent-ecdsa-p384":
		err = istioCSR(out, pkiutil.CertOptions{Host: request.SpiffeID, ECSigAlg: pkiutil.EcdsaSigAlg, ECCCurve: pkiutil.P384Curve})
	case "ztunnel":
		err = ztunnelCSR(out, request.SpiffeID)
	default:
		return lines.Faultf("kind: %q is not known", request.Kind)
	}
	return err
}

func p256() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

// goCSR is what a Go program writes by itself: a common name, and the URI in a SAN that is not critical.
func goCSR(out *answer, id string, generate func() (crypto.Signer, error)) error {
	uri, err := url.Parse(id)
	if err != nil {
		return lines.Faultf("spiffe_id: %w", err)
	}
	return sign(out, generate, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "cart"},
		URIs:    []*url.URL{uri},
	})
}

func istioCSR(out *answer, options pkiutil.CertOptions) error {
	csr, key, err := pkiutil.GenCSR(options)
	if err != nil {
		return lines.Faultf("Istio's GenCSR: %w", err)
	}
	out.CSR, out.Key = string(csr), string(key)
	return nil
}

// ztunnelCSR has the shape that ztunnel sends: P-256, an empty subject, and one critical SAN that holds the URI.
func ztunnelCSR(out *answer, id string) error {
	const uriName = 6 // GeneralName: uniformResourceIdentifier [6] IA5String
	san, err := asn1.Marshal([]asn1.RawValue{{Class: asn1.ClassContextSpecific, Tag: uriName, Bytes: []byte(id)}})
	if err != nil {
		return lines.Faultf("SAN: %w", err)
	}
	return sign(out, p256, &x509.CertificateRequest{
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Critical: true, Value: san}},
	})
}

func sign(out *answer, generate func() (crypto.Signer, error), template *x509.CertificateRequest) error {
	key, err := generate()
	if err != nil {
		return lines.Faultf("key: %w", err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		return lines.Faultf("request: %w", err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return lines.Faultf("key: %w", err)
	}
	out.CSR = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr}))
	out.Key = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
	return nil
}
