#!/usr/bin/env bash
# A plug-in CA for each cluster, as the Makefile of Istio's documentation (tools/certs, Makefile.selfsigned.mk) makes it with OpenSSL: the same
# keys, subjects, lifetimes and extensions. That neither CA may sign CRLs (keyUsage without cRLSign) is the Makefile's doing.
#
#   makefile-ca.sh FOLDER CLUSTER…
#
# leaves FOLDER/root-key.pem, FOLDER/root-cert.pem and FOLDER/CLUSTER/{ca-cert,ca-key,cert-chain,root-cert}.pem.
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: makefile-ca.sh FOLDER CLUSTER..." >&2; exit 2; }
mkdir -p "$1"
cd "$1"
shift

# conf BASIC-CONSTRAINTS SUBJECT-LINES [SAN]: the configuration of a request and of the certificate made from it.
conf() {
  printf '%s\n' '[ req ]' 'encrypt_key = no' 'prompt = no' 'utf8 = yes' 'default_md = sha256' 'default_bits = 4096' \
    'req_extensions = req_ext' 'x509_extensions = req_ext' 'distinguished_name = req_dn' \
    '[ req_ext ]' 'subjectKeyIdentifier = hash' "basicConstraints = critical, $1" \
    'keyUsage = critical, digitalSignature, nonRepudiation, keyEncipherment, keyCertSign' \
    ${3:+"subjectAltName = $3"} \
    '[ req_dn ]' "$2"
}

quietly() { "$@" 2>openssl.log || { cat openssl.log >&2; exit 1; }; }

conf 'CA:true' $'O = Istio\nCN = Root CA' >root.conf
quietly openssl genrsa -out root-key.pem 4096
quietly openssl req -sha256 -new -key root-key.pem -config root.conf -out root.csr
quietly openssl x509 -req -sha256 -days 3650 -signkey root-key.pem -extensions req_ext -extfile root.conf -in root.csr -out root-cert.pem

for cluster; do
  mkdir -p "$cluster"
  conf 'CA:true, pathlen:0' $'O = Istio\nCN = Intermediate CA\nL = '"$cluster" 'DNS:istiod.istio-system.svc' >"$cluster/ca.conf"
  quietly openssl genrsa -out "$cluster/ca-key.pem" 4096
  quietly openssl req -sha256 -new -key "$cluster/ca-key.pem" -config "$cluster/ca.conf" -out "$cluster/ca.csr"
  quietly openssl x509 -req -sha256 -days 3650 -CA root-cert.pem -CAkey root-key.pem -CAcreateserial \
    -extensions req_ext -extfile "$cluster/ca.conf" -in "$cluster/ca.csr" -out "$cluster/ca-cert.pem"
  cat "$cluster/ca-cert.pem" root-cert.pem >"$cluster/cert-chain.pem"
  cp root-cert.pem "$cluster/"
  rm "$cluster/ca.conf" "$cluster/ca.csr"
done
rm -f root.conf root.csr root-cert.srl openssl.log
