"""Makes the inputs of the golden tests of `inspect`; needs the Python package cryptography, version 48.

The keys are new each time, so the expected texts beside them are new too: run it only to add an input, then bless the
texts (MESHROOT_BLESS=1 cargo test -p meshroot inspect) and read every one of them.
"""
import base64
import datetime
import ipaddress
import json
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import ExtendedKeyUsageOID as EKU, NameOID, ObjectIdentifier

HERE = os.path.dirname(os.path.abspath(__file__))
NOW = datetime.datetime(2026, 11, 22, 12, 0, 0)
DAY = datetime.timedelta(days=1)
HOUR = datetime.timedelta(hours=1)


def p256():
    return ec.generate_private_key(ec.SECP256R1())


def name(cn=None, o=None):
    parts = []
    if o is not None:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, o))
    if cn is not None:
        parts.append(x509.NameAttribute(NameOID.COMMON_NAME, cn))
    return x509.Name(parts)


def usage(*bits):
    names = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign",
             "encipher_only", "decipher_only"]
    return x509.KeyUsage(**{n: n in bits for n in names})


class Ca:
    def __init__(self, cn, parent=None, key=None, td="mesh.example", path_len=None, start=-30 * DAY, life=3650 * DAY, subject=None):
        self.key = key or p256()
        self.subject = subject or name(cn, td)
        issuer = parent or self
        b = (x509.CertificateBuilder().subject_name(self.subject).issuer_name(issuer.subject).public_key(self.key.public_key())
             .serial_number(int.from_bytes(cn.encode()[:8].ljust(8, b"-") + b"serial", "big"))
             .not_valid_before(NOW + start).not_valid_after(NOW + start + life)
             .add_extension(x509.BasicConstraints(True, path_len), True)
             .add_extension(usage("key_cert_sign", "crl_sign"), True)
             .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), False))
        if td:
            b = b.add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier("spiffe://" + td)]), False)
        if parent:
            b = b.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), False)
        self.cert = b.sign(issuer.key, hashes.SHA256())

    def leaf(self, sans, key=None, subject=None, start=-HOUR, life=24 * HOUR, critical=True, eku=(EKU.SERVER_AUTH, EKU.CLIENT_AUTH), bits=("digital_signature",),
             more=(), signer=None, basic=True):
        key = key or p256()
        b = (x509.CertificateBuilder().subject_name(subject if subject is not None else name()).issuer_name(self.subject).public_key(key.public_key())
             .serial_number(0x1234567890ABCDEF1234).not_valid_before(NOW + start).not_valid_after(NOW + start + life)
             .add_extension(x509.SubjectAlternativeName(sans), critical)
             .add_extension(usage(*bits), True)
             .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
             .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False))
        if basic:
            b = b.add_extension(x509.BasicConstraints(False, None), True)
        if eku:
            b = b.add_extension(x509.ExtendedKeyUsage(list(eku)), False)
        for extension, is_critical in more:
            b = b.add_extension(extension, is_critical)
        return b.sign((signer or self).key, hashes.SHA256()), key


def uri(path, td="mesh.example"):
    return x509.UniformResourceIdentifier(f"spiffe://{td}{path}")


def pem(cert):
    return cert.public_bytes(serialization.Encoding.PEM)


def der(cert):
    return cert.public_bytes(serialization.Encoding.DER)


def key_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def write(file, *parts):
    with open(os.path.join(HERE, file), "wb") as f:
        for part in parts:
            f.write(part)


root = Ca("mesh.example root")
west = Ca("west", root, path_len=0, life=365 * DAY)
east = Ca("east", root, path_len=0, life=365 * DAY)
other = Ca("other root")
cart, cart_key = west.leaf([uri("/ns/shop/sa/cart")])

write("svid.pem", pem(cart), pem(west.cert))
write("svid-and-key.pem", key_pem(cart_key), pem(cart), pem(west.cert))
write("order.pem", pem(cart), pem(root.cert), pem(west.cert))
write("leaf-last.pem", pem(west.cert), pem(cart))
write("unrelated.pem", pem(cart), pem(other.cert), pem(west.cert), pem(west.cert), key_pem(east.key))
old = Ca("mesh.example root 2016", start=-3653 * DAY, life=3650 * DAY)
write("roots.pem", pem(root.cert), pem(old.cert), pem(east.cert), pem(root.cert))

# Another CA of the same name, whose key made the leaf's signature; then a CA that may not be where it is.
twin = Ca("west", root, path_len=0)
twin.subject = west.subject
impostor, _ = west.leaf([uri("/ns/shop/sa/cart")], signer=twin)
write("same-name.pem", pem(impostor), pem(west.cert))
below = Ca("below west", west, life=3000 * DAY)
deep, _ = below.leaf([uri("/ns/shop/sa/cart", "other.example")])
write("too-deep.pem", pem(deep), pem(below.cert), pem(west.cert), pem(root.cert))
pay, pay_key = west.leaf([uri("/ns/shop/sa/pay")], subject=name("pay"), critical=False)
by_leaf = Ca("pay", root)
by_leaf.key, by_leaf.subject = pay_key, pay.subject
forged, _ = by_leaf.leaf([uri("/ns/shop/sa/cart")])
write("leaf-signs.pem", pem(forged), pem(pay))

bad_name = x509.Name([
    x509.NameAttribute(NameOID.COUNTRY_NAME, "DE", _ASN1Type.UTF8String),
    x509.NameAttribute(NameOID.ORGANIZATION_NAME, "mesh?example", _ASN1Type.PrintableString),
    x509.NameAttribute(NameOID.COMMON_NAME, "a" * 64),
])
weak_key = rsa.generate_private_key(65537, 1024)
weak, _ = west.leaf([x509.DNSName("*.*.mesh_example."), x509.RFC822Name("nobody@mesh.example"), uri("/ns/shop/sa/cart"), uri("/ns/shop/sa/pay"),
                     x509.RegisteredID(ObjectIdentifier("1.2.3"))],
                    key=weak_key, subject=bad_name, start=-20 * DAY, life=17 * DAY, eku=(EKU.CLIENT_AUTH,), bits=("digital_signature", "key_cert_sign"),
                    more=[(x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00"), True)])
# No library writes an underscore into a PrintableString; nobody verifies this signature.
patched = der(weak).replace(b"mesh?example", b"mesh_example")
write("weak.pem", b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(patched) + b"-----END CERTIFICATE-----\n")
p521, _ = west.leaf([uri("")], key=ec.generate_private_key(ec.SECP521R1()), start=HOUR, basic=False, eku=(), critical=False)
write("p521.der", der(p521))
forever = Ca("forever", start=-DAY, life=datetime.datetime(9999, 12, 31, 23, 59, 59) - NOW + DAY, td=None, key=p256())
write("forever.pem", pem(forever.cert))
ed, _ = west.leaf([x509.DNSName("ewgw.mesh.example"), x509.IPAddress(ipaddress.ip_address("192.0.2.1"))], key=ed25519.Ed25519PrivateKey.generate(),
                  subject=name("ewgw.mesh.example"), life=825 * DAY, eku=(EKU.SERVER_AUTH,))
write("server.der", der(ed))
constrained_key = p256()
constrained = (x509.CertificateBuilder().subject_name(name("constrained", "mesh.example")).issuer_name(root.subject).public_key(constrained_key.public_key())
               .serial_number(77).not_valid_before(NOW - DAY).not_valid_after(NOW + 100 * DAY)
               .add_extension(x509.BasicConstraints(True, 1), True).add_extension(usage("key_cert_sign", "digital_signature"), True)
               .add_extension(x509.NameConstraints([x509.UniformResourceIdentifier("mesh.example")], [x509.DNSName("internal")]), True)
               .add_extension(x509.ExtendedKeyUsage([EKU.SERVER_AUTH, EKU.CLIENT_AUTH]), False)
               .sign(root.key, hashes.SHA256()))
write("constrained.pem", pem(constrained))

broken = der(cart)[:-9]
write("broken-part.pem", pem(west.cert), b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(broken) + b"-----END CERTIFICATE-----\n",
      b"-----BEGIN WHATEVER-----\nAAAA\n-----END WHATEVER-----\n")
crl = (x509.CertificateRevocationListBuilder().issuer_name(west.subject).last_update(NOW - 2 * DAY).next_update(NOW - DAY)
       .add_revoked_certificate(x509.RevokedCertificateBuilder().serial_number(7).revocation_date(NOW - 3 * DAY).build()).sign(west.key, hashes.SHA256()))
write("crl.pem", crl.public_bytes(serialization.Encoding.PEM))
csr = (x509.CertificateSigningRequestBuilder().subject_name(name("cart\u202eevil")).add_extension(x509.BasicConstraints(True, None), True)
       .add_extension(x509.SubjectAlternativeName([uri("/ns/shop/sa/cart/"), x509.DNSName("cart")]), False)
       .add_extension(x509.ExtendedKeyUsage([EKU.SERVER_AUTH]), False).sign(p256(), hashes.SHA256()))
write("request.pem", csr.public_bytes(serialization.Encoding.PEM))


def b64u(n, size):
    return base64.urlsafe_b64encode(n.to_bytes(size, "big")).rstrip(b"=").decode()


def jwk(cert, key=None, **more):
    numbers = (key or cert.public_key()).public_numbers()
    return {"kty": "EC", "use": "x509-svid", "crv": "P-256", "x": b64u(numbers.x, 32), "y": b64u(numbers.y, 32), "x5c": [base64.b64encode(der(cert)).decode()], **more}


jwt = {"kty": "EC", "use": "jwt-svid", "kid": "one", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}
good = {"spiffe_sequence": 3, "spiffe_refresh_hint": 300, "keys": [jwk(root.cert), jwt]}
write("bundle.json", json.dumps(good, indent=1).encode())
hostile = {"spiffe_refresh_hint": 99999999, "keys": [jwk(root.cert), jwk(old.cert), jwk(root.cert), jwk(cart), jwk(west.cert, east.key.public_key()),
                                                     jwk(west.cert, d="c2VjcmV0"), {**jwk(west.cert), "use": "tls"}, {**jwt, "kid": ""}, jwk(other.cert)]}
write("bundle-ignored.json", json.dumps(hostile).encode())
elsewhere = Ca("elsewhere", td="elsewhere.example")
write("map.json", json.dumps({"trust_domains": {"mesh.example": good, "elsewhere.example": {"keys": [jwk(elsewhere.cert), jwk(root.cert)]}, "empty.example": {"keys": []}}}).encode())


def secret(kind, n, files, ns="istio-system"):
    lines = ["apiVersion: v1", "kind: Secret", f"type: {kind}", "metadata:", f"  name: {n}", f"  namespace: {ns}", "data:"]
    lines += [f"  {file}: {base64.b64encode(content).decode()}" for file, content in files.items()]
    return ("\n".join(lines) + "\n").encode()


write("cacerts.yaml", secret("Opaque", "cacerts", {"ca-cert.pem": pem(west.cert), "ca-key.pem": key_pem(west.key), "cert-chain.pem": pem(west.cert),
                                                   "root-cert.pem": pem(root.cert)}))
write("cacerts-wrong-key.yaml", secret("Opaque", "cacerts", {"ca-cert.pem": pem(west.cert), "ca-key.pem": key_pem(east.key), "cert-chain.pem": b"",
                                                             "root-cert.pem": pem(other.cert)}))
write("tls.yaml", secret("kubernetes.io/tls", "gateway", {"tls.crt": pem(cart) + pem(west.cert), "tls.key": key_pem(east.key), "extra": b"x"}, "shop"))
write("unlock.key", b"meshroot-unlock-v1 " + b"5a" * 32 + b"\n")
