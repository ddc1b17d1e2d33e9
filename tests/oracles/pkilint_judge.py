"""Asks pkilint what it makes of a certificate, by the protocol of `judge` (go/main.go): one JSON request a line, one answer a line.

    {"oracle":"pkilint","cert":"PEM"}                  the generic PKIX linter
    {"oracle":"pkilint","cert":"PEM","issuer":"PEM"}   and the pair: names, key identifiers, signature
"""

import json
import logging
import sys

from pkilint import loader, validation
from pkilint.bin import lint_pkix_signer_signee_cert_chain as chain
from pkilint.pkix import certificate, extension, name

# pkilint checks URIs as those of the web: a SPIFFE ID's trust domain needs no dot and no registered name, so the `validators` package
# calls every one of them malformed. The IDs are judged by go-spiffe instead.
ALLOWED = {"pkix.invalid_uri_syntax"}

# Errors, what a standard says one SHOULD do, and what pkilint only notices: a name that is not its issuer's is no more than that to it.
REFUSED = validation.ValidationFindingSeverity.NOTICE


class Fault(Exception):
    """The request could not be judged."""


def single_linter():
    return certificate.create_pkix_certificate_validator_container(
        certificate.create_decoding_validators(name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS),
        [
            certificate.create_issuer_validator_container([]),
            certificate.create_validity_validator_container(),
            certificate.create_subject_validator_container([]),
            certificate.create_extensions_validator_container([]),
            certificate.create_spki_validator_container([]),
        ],
    )


SINGLE = single_linter()
DECODERS = chain.create_decoder_validation_container()
ISSUER = chain.create_issuer_validation_container()
SUBJECT = chain.create_subject_validation_container()


def load(field, pem, role=None, collection=None):
    if not isinstance(pem, str) or pem.count("-----BEGIN CERTIFICATE-----") != 1:
        raise Fault(f"{field}: wanted the PEM of one certificate")
    return loader.RFC5280CertificateDocumentLoader().load_pem_document(pem, field, role, collection)


def lint(request):
    results = SINGLE.validate(load("cert", request["cert"]).root)
    if "issuer" in request:
        documents = {}
        documents["issuer"] = load("issuer", request["issuer"], "issuer", documents)
        documents["subject"] = load("cert", request["cert"], "subject", documents)
        for document in documents.values():
            results += DECODERS.validate(document.root)
        results += ISSUER.validate(documents["issuer"].root)
        results += SUBJECT.validate(documents["subject"].root)
    return results


def findings(results):
    """Each refused finding once, with where it was found: "code (SEVERITY) at path"."""
    found = {}
    for result in results:
        for description in result.finding_descriptions:
            finding = description.finding
            if finding.severity <= REFUSED and finding.code not in ALLOWED:
                found[f"{finding.code} ({finding.severity.name}) at {result.node.path}"] = None
    return list(found)


def answer(line):
    try:
        request = json.loads(line)
        if not isinstance(request, dict) or request.get("oracle") != "pkilint":
            raise Fault('the oracle here is "pkilint"')
        if not {"oracle", "cert"} <= request.keys() <= {"oracle", "cert", "issuer"}:
            raise Fault("the fields are oracle, cert and, if wanted, issuer")
        results = lint(request)
    except (Fault, json.JSONDecodeError) as problem:
        return {"ok": False, "fault": True, "reason": str(problem)}
    except ValueError as problem:  # pkilint could not read the certificate: that is its verdict
        return {"ok": False, "reason": str(problem)}
    found = findings(results)
    return {"ok": not found, "reason": ", ".join(found)}


def main():
    logging.disable(logging.CRITICAL)  # pkilint logs what it also reports
    for line in sys.stdin:
        if line.strip():
            print(json.dumps(answer(line)), flush=True)


if __name__ == "__main__":
    main()
