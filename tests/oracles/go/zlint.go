package main

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/zmap/zcrypto/x509"
	"github.com/zmap/zlint/v3"
	"github.com/zmap/zlint/v3/lint"
	"meshroot.example/lines"
)

// Rules for certificates of the public web, of code signing, of e-mail, of qualified signatures: they demand a DNS name in every
// leaf, certificate policies, revocation pointers, an OCSP responder, a country in the subject. A mesh's own CA is none of those, and
// a certificate that satisfied them would be wrong for SPIFFE. What stays are the RFCs' lints and the community's.
var foreignSources = lint.SourceList{
	lint.CABFBaselineRequirements,
	lint.CABFCSBaselineRequirements,
	lint.CABFSMIMEBaselineRequirements,
	lint.CABFEVGuidelines,
	lint.MozillaRootStorePolicy,
	lint.AppleRootStorePolicy,
	lint.EtsiEsi,
}

// allowed names lints that may fire, each with the reason.
var allowed = map[string]string{}

// judgeZlint refuses on any warning, error or fatal result, and says which lints they were.
func judgeZlint(line []byte, _ *answer) error {
	var request struct {
		Oracle string `json:"oracle"`
		Cert   string `json:"cert"`
	}
	if err := lines.Decode(line, &request); err != nil {
		return err
	}
	ders, err := blocks("cert", request.Cert, "CERTIFICATE")
	if err != nil {
		return err
	}
	if len(ders) != 1 {
		return lines.Faultf("cert: %d certificates, wanted one", len(ders))
	}
	cert, err := x509.ParseCertificate(ders[0])
	if err != nil {
		return err
	}
	registry, err := lint.GlobalRegistry().Filter(lint.FilterOptions{ExcludeSources: foreignSources})
	if err != nil {
		return lines.Faultf("zlint's registry: %w", err)
	}
	var findings []string
	judged := 0
	for name, result := range zlint.LintCertificateEx(cert, registry).Results {
		if result.Status >= lint.Pass {
			judged++
		}
		if _, fine := allowed[name]; result.Status >= lint.Warn && !fine {
			findings = append(findings, fmt.Sprintf("%s (%s)", name, result.Status))
		}
	}
	// Lints have a date from which they apply; a filter or a clock gone wrong would leave none, and silence.
	if judged < 20 {
		return lines.Faultf("only %d lints applied", judged)
	}
	if len(findings) > 0 {
		sort.Strings(findings)
		return errors.New(strings.Join(findings, ", "))
	}
	return nil
}
