#!/usr/bin/env bash
# Makes the CRLs of this folder with OpenSSL: ./make.sh
# Keys are thrown away: each run writes other bytes of the same shape and with the same times.
set -euo pipefail
out=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
from=20260101000000Z until=20360101000000Z
cat > ca.cnf <<'C'
[ca]
default_ca = ours
[ours]
database = index.txt
serial = serial
crlnumber = crlnumber
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
[any]
organizationName = optional
commonName = supplied
[req]
distinguished_name = dn
[dn]
[v3_ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[v3_ca_without_crl_sign]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[v3_leaf]
basicConstraints = CA:FALSE
subjectAltName = URI:spiffe://mesh.example/ns/shop/sa/cart
[v3_leaf_point]
basicConstraints = CA:FALSE
subjectAltName = URI:spiffe://mesh.example/ns/shop/sa/cart
crlDistributionPoints = URI:http://ca.mesh.example/1.crl
[crl]
authorityKeyIdentifier = keyid
[crl_number_only]
[crl_user]
authorityKeyIdentifier = keyid
issuingDistributionPoint = critical,@idp_user
[idp_user]
onlyuser = TRUE
[crl_ca]
authorityKeyIdentifier = keyid
issuingDistributionPoint = critical,@idp_ca
[idp_ca]
onlyCA = TRUE
[crl_point]
authorityKeyIdentifier = keyid
issuingDistributionPoint = critical,@idp_point
[idp_point]
fullname = URI:http://ca.mesh.example/1.crl
[crl_indirect]
issuingDistributionPoint = critical,@idp_indirect
[idp_indirect]
indirectCRL = TRUE
[crl_some_reasons]
issuingDistributionPoint = critical,@idp_some_reasons
[idp_some_reasons]
onlysomereasons = keyCompromise, CACompromise
[crl_delta]
2.5.29.27 = critical,DER:020101
[crl_unknown]
1.2.3.4 = critical,DER:0500
C
touch index.txt; echo 1000 > serial; echo 01 > crlnumber
ca() { # ca NAME SUBJECT EXTENSIONS KEY-OPTIONS…
    local name=$1 subject=$2 ext=$3; shift 3
    openssl genpkey "$@" -out "$name.key" 2>/dev/null
    openssl req -new -key "$name.key" -subj "$subject" -config ca.cnf -out "$name.csr"
    openssl ca -config ca.cnf -batch -notext -selfsign -keyfile "$name.key" -in "$name.csr" -extensions "$ext" -startdate $from -enddate $until -out "$name.pem" -rand_serial 2>/dev/null
    cp "$name.pem" "$out/"
}
p256=(-algorithm EC -pkeyopt ec_paramgen_curve:P-256)
ca ca /O=mesh.example/CN=ca v3_ca "${p256[@]}"
ca ca-renewed /O=mesh.example/CN=ca v3_ca "${p256[@]}"
ca ca-rsa /O=mesh.example/CN=rsa v3_ca -algorithm RSA -pkeyopt rsa_keygen_bits:2048
ca ca-without-crl-sign /O=mesh.example/CN=makefile v3_ca_without_crl_sign "${p256[@]}"
leaf() { # leaf NAME EXTENSIONS
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key -subj "/CN=$1" -config ca.cnf -out leaf.csr 2>/dev/null
    openssl ca -config ca.cnf -batch -notext -keyfile ca.key -cert ca.pem -in leaf.csr -extensions "$2" -startdate $from -enddate $until -out "$1.pem" -create_serial 2>/dev/null
    cp "$1.pem" "$out/"
}
for name in good compromised on-hold dated; do leaf $name v3_leaf; done
leaf with-point v3_leaf_point
revoke() { # revoke LEAF OPTIONS…: on the 20th of January
    openssl ca -config ca.cnf -keyfile ca.key -cert ca.pem -revoke "$1.pem" "${@:2}" 2>/dev/null
    sed -i -E 's/\t[0-9]{12}Z,/\t260120000000Z,/' index.txt
}
crl() { # crl NAME CA [OPTIONS…]: the CRL of what is revoked by now
    local name=$1 ca=$2; shift 2
    openssl ca -config ca.cnf -gencrl -keyfile "$ca.key" -cert "$ca.pem" -crl_lastupdate 20260201000000Z -crl_nextupdate 20260301000000Z "$@" -out "$out/$name.crl.pem" 2>/dev/null
}
crl empty ca -crlexts crl
revoke compromised -crl_reason keyCompromise
crl one ca -crlexts crl
revoke on-hold -crl_hold holdInstructionReject
revoke dated -crl_compromise 20260115120000Z
crl reasons ca -crlexts crl
crl without-authority-key ca -crlexts crl_number_only
crl rsa ca-rsa -crlexts crl
crl renewed ca-renewed -crlexts crl
crl without-crl-sign ca-without-crl-sign -crlexts crl
: > index.txt
for kind in user ca point indirect some_reasons delta unknown; do crl "only-$kind" ca -crlexts "crl_$kind"; done
mv "$out/only-indirect.crl.pem" "$out/indirect.crl.pem"; mv "$out/only-some_reasons.crl.pem" "$out/some-reasons.crl.pem"
mv "$out/only-delta.crl.pem" "$out/delta.crl.pem"; mv "$out/only-unknown.crl.pem" "$out/unknown-critical.crl.pem"
sed -i '/^crlnumber/d' ca.cnf
crl version-1 ca
crl without-number ca -crlexts crl
