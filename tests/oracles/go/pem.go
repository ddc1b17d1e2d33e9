package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"time"

	"meshroot.example/lines"
)

// blocks takes PEM apart. Text without any block of that type is the caller's mistake; so is another type among them.
func blocks(field, text, kind string) ([][]byte, error) {
	var ders [][]byte
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != kind {
			return nil, lines.Faultf("%s: a PEM block of type %q, wanted %q", field, block.Type, kind)
		}
		ders = append(ders, block.Bytes)
	}
	if len(ders) == 0 {
		return nil, lines.Faultf("%s: no PEM block of type %q", field, kind)
	}
	return ders, nil
}

// certificates reads PEM; DER that Go cannot parse is a verdict, not a fault.
func certificates(field, text string) ([]*x509.Certificate, error) {
	ders, err := blocks(field, text, "CERTIFICATE")
	if err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	for i, der := range ders {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("%s: certificate %d: %w", field, i, err)
		}
		certs = append(certs, cert)
	}
	return certs, nil
}

// instant reads RFC 3339; an empty text is now.
func instant(at string) (time.Time, error) {
	if at == "" {
		return time.Now(), nil
	}
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return t, lines.Faultf("at: %w", err)
	}
	return t, nil
}
