package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spiffe/go-spiffe/v2/bundle/spiffebundle"
	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"meshroot.example/lines"
)

// judgeSpiffe is go-spiffe: the bundle's reader and the X.509-SVID validator that SPIRE's users run.
// With no chain only the bundle is judged.
func judgeSpiffe(line []byte, _ *answer) error {
	var request struct {
		Oracle      string `json:"oracle"`
		TrustDomain string `json:"trust_domain"`
		Bundle      string `json:"bundle"`
		Chain       string `json:"chain"`
		At          string `json:"at"`
		SpiffeID    string `json:"spiffe_id"`
	}
	if err := lines.Decode(line, &request); err != nil {
		return err
	}
	at, err := instant(request.At)
	if err != nil {
		return err
	}
	trustDomain, err := spiffeid.TrustDomainFromString(request.TrustDomain)
	if err != nil {
		return err
	}
	bundle, err := spiffeBundle(trustDomain, request.Bundle)
	if err != nil {
		return err
	}
	if request.Chain == "" {
		return nil
	}
	chain, err := blocks("chain", request.Chain, "CERTIFICATE")
	if err != nil {
		return err
	}
	id, _, err := x509svid.ParseAndVerify(chain, bundle, x509svid.WithTime(at))
	if err != nil {
		return err
	}
	if want := request.SpiffeID; want != "" && id.String() != want {
		return fmt.Errorf("the SVID is for %s, wanted %s", id, want)
	}
	return nil
}

// spiffeBundle takes a SPIFFE bundle document or PEM roots. An empty bundle is well-formed to go-spiffe, but none of ours may be.
func spiffeBundle(trustDomain spiffeid.TrustDomain, text string) (x509bundle.Source, error) {
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		roots, err := certificates("bundle", text)
		if err != nil {
			return nil, err
		}
		return x509bundle.FromX509Authorities(trustDomain, roots), nil
	}
	bundle, err := spiffebundle.Parse(trustDomain, []byte(text))
	if err != nil {
		return nil, err
	}
	if len(bundle.X509Authorities()) == 0 {
		return nil, errors.New("the bundle holds no X.509 authority")
	}
	return bundle, nil
}
