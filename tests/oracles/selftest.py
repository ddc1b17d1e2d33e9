"""The questions of selftest.sh: what each judge must accept, and what it must refuse and for which reason."""

import base64
import json
import re
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

WORK, JUDGE, PKILINT = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
TRUST_DOMAIN = "mesh.example"
ID = f"spiffe://{TRUST_DOMAIN}/ns/shop/sa/cart"
ALGORITHMS = ["p256", "p384", "ed25519", "rsa"]
NOW = datetime.now(timezone.utc)
cases = []  # (sentence, request, None for yes | a pattern of the reason for no)


def pem(name):
    return (WORK / f"{name}.pem").read_text()


def days(n):
    return (NOW + timedelta(days=n)).strftime("%Y-%m-%dT%H:%M:%SZ")


def accepts(sentence, request):
    cases.append((sentence, request, None))


def refuses(sentence, request, reason):
    cases.append((sentence, request, reason))


def go(leaf="leaf-p256", ca="ca-p256", root="root-p256", **more):
    intermediates = "".join(pem(c) for c in ca.split()) if ca else ""
    return {"oracle": "go-x509", "roots": pem(root), "intermediates": intermediates, "leaf": pem(leaf), **more}


def spiffe(leaf="leaf-p256", ca="ca-p256", bundle=None, **more):
    chain = pem(leaf) + (pem(ca) if ca else "")
    request = {"oracle": "go-spiffe", "trust_domain": TRUST_DOMAIN, "bundle": bundle or pem("root-p256"), "chain": chain}
    return {**request, **more}


def spiffe_json(root, **changes):
    """A SPIFFE bundle of one P-256 root; `changes` go into its key."""
    der = base64.b64decode("".join(pem(root).strip().splitlines()[1:-1]))
    spki = subprocess.run(["openssl", "x509", "-in", WORK / f"{root}.pem", "-pubkey", "-noout"], capture_output=True, check=True).stdout
    point = base64.b64decode("".join(spki.decode().strip().splitlines()[1:-1]))[-64:]

    def url(b):
        return base64.urlsafe_b64encode(b).rstrip(b"=").decode()

    key = {"kty": "EC", "use": "x509-svid", "crv": "P-256", "x": url(point[:32]), "y": url(point[32:])}
    key |= {"x5c": [base64.b64encode(der).decode()]} | changes
    return json.dumps({"keys": [key], "spiffe_sequence": 1, "spiffe_refresh_hint": 300})


def cacerts(name):
    return {"oracle": "istio-cacerts", "dir": str(WORK / f"cacerts-{name}")}


def lint(oracle, name, **more):
    return {"oracle": oracle, "cert": pem(name), **more}


def csr(text):
    return {"oracle": "csr", "csr": text}


def ask(command, requests):
    lines = "".join(json.dumps(r) + "\n" for r in requests)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(requests), f"{command}: {len(answers)} answers to {len(requests)} requests"
    return answers


for a in ALGORITHMS:
    good = {"leaf": f"leaf-{a}", "ca": f"ca-{a}", "root": f"root-{a}"}
    for usage in ["any", "server", "client"]:
        accepts(f"go-x509 accepts a {a} chain as {usage}", go(**good, usage=usage, spiffe_id=ID))
    accepts(f"go-spiffe accepts a {a} chain", spiffe(good["leaf"], good["ca"], pem(good["root"]), spiffe_id=ID))
    accepts(f"istio-cacerts accepts a {a} folder", cacerts(a))
    for name in good.values():
        accepts(f"zlint accepts {name}", lint("zlint", name))
        accepts(f"pkilint accepts {name}", lint("pkilint", name))
    accepts(f"pkilint accepts the pair ca-{a}, leaf-{a}", lint("pkilint", good["leaf"], issuer=pem(good["ca"])))
    accepts(f"pkilint accepts the pair root-{a}, ca-{a}", lint("pkilint", good["ca"], issuer=pem(good["root"])))
    accepts(f"csr accepts {a}", csr((WORK / f"leaf-{a}.csr").read_text()))

refuses("go-x509 refuses an expired leaf", go(at=days(2)), "expired")
refuses("go-x509 refuses a leaf before its time", go(at=days(-2)), "not yet valid")
refuses("go-x509 refuses another root of the same names", go(root="other-root"), "unknown authority")
refuses("go-x509 refuses a chain without the cluster CA", go(ca=""), "unknown authority")
refuses("go-x509 refuses an issuer with CA:FALSE", go("under-no-ca", "no-ca"), "cannot sign")
refuses("go-x509 refuses an issuer without keyCertSign", go("under-no-cert-sign", "no-cert-sign"), "cannot sign")
refuses("go-x509 refuses a path that is too long", go("under-pathlen", "below-pathlen ca-p256"), "too many intermediates")
refuses("go-x509 refuses another SPIFFE ID", go("other-id", spiffe_id=ID), "wanted exactly")
refuses("go-x509 refuses two URIs", go("two-uris", spiffe_id=ID), "wanted exactly")
refuses("go-x509 refuses a client's leaf as a server", go("client-only", usage="server"), "key usage")
refuses("go-x509 refuses a server's leaf as a client", go("server-only", usage="client"), "key usage")

accepts("go-spiffe accepts a SPIFFE bundle", spiffe(bundle=spiffe_json("root-p256"), spiffe_id=ID))
accepts("go-spiffe accepts a bundle alone", spiffe(bundle=spiffe_json("root-p256"), chain=""))
refuses("go-spiffe refuses another root", spiffe(bundle=spiffe_json("other-root")), "unknown authority")
refuses("go-spiffe refuses a bundle that is cut off", spiffe(bundle=spiffe_json("root-p256")[:-3]), "unable to parse")
refuses("go-spiffe refuses a bundle without an authority", spiffe(bundle=spiffe_json("root-p256", use="else")), "no X.509 authority")
refuses("go-spiffe refuses a key that is not its certificate's", spiffe(bundle=spiffe_json("root-p256", x=json.loads(spiffe_json("other-root"))["keys"][0]["x"])), "not on declared curve")
refuses("go-spiffe refuses another trust domain", spiffe("other-td"), "no X.509 bundle found")
refuses("go-spiffe refuses another SPIFFE ID", spiffe("other-id", spiffe_id=ID), "wanted")
refuses("go-spiffe refuses a leaf with CA:TRUE", spiffe("leaf-is-ca"), "CA flag")
refuses("go-spiffe refuses a leaf with keyCertSign", spiffe("leaf-cert-sign"), "KeyCertSign")
refuses("go-spiffe refuses two URIs", spiffe("two-uris"), "more than one URI")
refuses("go-spiffe refuses a leaf without a URI", spiffe("no-uri"), "no URI")
refuses("go-spiffe refuses a chain without the cluster CA", spiffe(ca=""), "unknown authority")
refuses("go-spiffe refuses an expired leaf", spiffe(at=days(2)), "expired")

accepts("istio-cacerts accepts CRLs of every CA in the chain", cacerts("crl"))
accepts("istio-cacerts accepts the kubernetes.io/tls layout", cacerts("tls"))
refuses("istio-cacerts refuses another's key", cacerts("other-key"), "does not match")
refuses("istio-cacerts refuses another root", cacerts("other-root"), "unknown authority")
refuses("istio-cacerts refuses CA:FALSE", cacerts("no-ca"), "not authorized to sign")
refuses("istio-cacerts refuses an expired CA", cacerts("expired"), "expired")
refuses("istio-cacerts refuses a missing file", cacerts("no-chain"), "incomplete")
refuses("istio-cacerts refuses an encrypted key", cacerts("encrypted"), "unsupported PEM block")
refuses("istio-cacerts refuses an incomplete set of CRLs", cacerts("crl-of-one"), "missing CRL")

for oracle, defects in {
    "zlint": {
        "san-not-critical": "e_ext_san_not_critical_without_subject",
        "leaf-cert-sign": "e_ext_key_usage_cert_sign_without_ca",
        "no-cert-sign": "e_path_len_constraint_improperly_included",
        "constraints-not-critical": "e_basic_constraints_not_critical",
        "no-akid": "e_ext_authority_key_identifier_no_key_identifier",
        "ca-no-skid": "e_ext_subject_key_identifier_missing_ca",
        "leaf-no-skid": "w_ext_subject_key_identifier_missing_sub_cert",
        "serial-zero": "e_serial_number_not_positive",
    },
    "pkilint": {
        "san-not-critical": "pkix.san_extension_not_critical_empty_subject",
        "leaf-cert-sign": "pkix.ee_certificate_keycertsign_keyusage_set",
        "no-cert-sign": "pkix.ca_certificate_keycertsign_keyusage_not_set",
        "constraints-not-critical": "pkix.basic_constraints_extension_not_critical",
        "no-akid": "pkix.authority_key_identifier_extension_absent",
        "ca-no-skid": "pkix.certificate_skid_ca_missing",
        "leaf-no-skid": "pkix.certificate_skid_end_entity_missing",
        "serial-zero": "pkix.certificate_serial_number_out_of_range",
    },
}.items():
    for name, reason in defects.items():
        refuses(f"{oracle} refuses {name}", lint(oracle, name), reason)
refuses("pkilint refuses a signature by another key", lint("pkilint", "ca-p256", issuer=pem("other-root")), "signature_verification_failed")
refuses("pkilint refuses a pair that is none", lint("pkilint", "leaf-p256", issuer=pem("root-p256")), "issuer_and_subject_dn_not_binary_equal")


def flipped(text, label, at):
    """The same PEM with one bit of the byte at `at` turned over."""
    der = bytearray(base64.b64decode("".join(text.strip().splitlines()[1:-1])))
    der[at] ^= 1
    return f"-----BEGIN {label}-----\n{base64.b64encode(der).decode()}\n-----END {label}-----\n"


for a in ALGORITHMS:
    broken = flipped((WORK / f"leaf-{a}.csr").read_text(), "CERTIFICATE REQUEST", -3)
    refuses(f"csr refuses a {a} signature with a bit turned over", csr(broken), "verif|crypto|invalid")
    forged = go(f"leaf-{a}", f"ca-{a}", f"root-{a}")
    forged["leaf"] = flipped(forged["leaf"], "CERTIFICATE", -3)
    refuses(f"go-x509 refuses a {a} leaf with a bit of its signature turned over", forged, "unknown authority|verif")
cut = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n"
for oracle in ["zlint", "pkilint"]:
    refuses(f"{oracle} refuses what is no certificate", {"oracle": oracle, "cert": cut}, ".")

# The fixtures are what their index says, as far as others can tell.
FIXTURES = Path(__file__).parent.parent / "fixtures"
# Good signatures by algorithms that we refuse and Go takes.
OUR_CHOICE = {"rsa-pss-signature.pem", "rsa-sha1.pem", "p256-sha1.pem"}
for entry in json.loads((FIXTURES / "csr" / "index.json").read_text()):
    data = (FIXTURES / "csr" / entry["file"]).read_bytes()
    if entry["file"].endswith(".der"):
        data = b"-----BEGIN CERTIFICATE REQUEST-----\n%s\n-----END CERTIFICATE REQUEST-----\n" % base64.b64encode(data)
    if entry["expect"] == "ok":
        accepts(f"csr accepts {entry['file']}", csr(data.decode()))
    elif entry["refused_by"] == "proof" and entry["file"] not in OUR_CHOICE:
        refuses(f"csr refuses {entry['file']}", csr(data.decode()), "verif|signature algorithm")

faults = [
    ("an unknown oracle is a fault", {"oracle": "oracle"}),
    ("a misspelt field is a fault", go(usages="server")),
    ("an unknown usage is a fault", go(usage="servers")),
    ("text that is no PEM is a fault", {**go(), "leaf": "leaf"}),
    ("a folder that is not there is a fault", cacerts("nowhere")),
]

passed = failed = 0


def report(sentence, fine, answer):
    global passed, failed
    passed, failed = passed + fine, failed + (not fine)
    if not fine:
        print(f"FAILED: {sentence}: {answer}")


for command, mine in [([JUDGE], False), ([PKILINT], True)]:
    chosen = [c for c in cases if (c[1]["oracle"] == "pkilint") == mine]
    for (sentence, _, reason), answer in zip(chosen, ask(command, [c[1] for c in chosen])):
        if reason is None:
            fine = answer["ok"]
        else:
            fine = not answer["ok"] and not answer.get("fault") and re.search(reason, answer["reason"]) is not None
            if "-v" in sys.argv:
                print(f"{sentence}: {answer['reason']}")
        report(sentence, fine, answer)
for (sentence, _), answer in zip(faults, ask([JUDGE], [f[1] for f in faults])):
    report(sentence, not answer["ok"] and answer.get("fault") is True, answer)
# OpenSSL 3.0 does not read version 1 of PKCS#8; ring does.
for entry in json.loads((FIXTURES / "keys" / "index.json").read_text()):
    if entry["expect"] == "ok" and "-v2" not in entry["file"]:
        key, password = FIXTURES / "keys" / entry["file"], f"pass:{entry.get('password', '')}"
        done = subprocess.run(["openssl", "pkey", "-in", key, "-noout", "-check", "-passin", password], capture_output=True, text=True)
        report(f"openssl reads the key {entry['file']}", done.returncode == 0, done.stderr)
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0 or passed == 0)
