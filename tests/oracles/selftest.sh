#!/usr/bin/env bash
# Shows that every outside judge accepts what is right and refuses what is not, with certificates that only OpenSSL made.
# Each planted defect is the good certificate with one thing changed. Run .ci/tools/oracles.sh first.
# Last line: "N passed, N failed".
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tools=${MESHROOT_TOOLS:-$here/../../target/tools}
case $tools in /*) ;; *) tools=$here/../../$tools ;; esac
[ -x "$tools/oracles/judge" ] || { echo "no judge below $tools: run .ci/tools/oracles.sh" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
td=mesh.example
id=spiffe://$td/ns/shop/sa/cart

ca_usage="keyUsage=critical,keyCertSign,cRLSign"
leaf_usage="keyUsage=critical,digitalSignature"
leaf_purposes="extendedKeyUsage=serverAuth,clientAuth"
skid="subjectKeyIdentifier=hash"
akid="authorityKeyIdentifier=keyid"

key() { # NAME ALGORITHM
    case $2 in
    p256) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" ;;
    p384) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$1.key" ;;
    ed25519) openssl genpkey -algorithm ED25519 -out "$1.key" ;;
    rsa) openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1.key" ;;
    esac 2>/dev/null
}
root() { # NAME ALGORITHM COMMON-NAME [EXTENSION LINES]
    key "$1" "$2"
    printf '[req]\ndistinguished_name=dn\nx509_extensions=ext\n[dn]\n[ext]\n%b' \
        "${4:-basicConstraints=critical,CA:TRUE\n$ca_usage\n$skid\nsubjectAltName=URI:spiffe://$td\n}" >"$1.cnf"
    openssl req -x509 -new -config "$1.cnf" -key "$1.key" -days 3650 -subj "/O=$td/CN=$3" -out "$1.pem"
}
signed() { # NAME ISSUER SUBJECT DAYS EXTENSION-LINES, for the key NAME.key
    openssl req -new -key "$1.key" -subj "$3" -out "$1.csr"
    printf '%b' "$5" >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -days "$4" \
        -set_serial "0x4$(openssl rand -hex 15)" -extfile "$1.ext" -out "$1.pem" 2>/dev/null
}
ca() { # NAME ISSUER ALGORITHM [basicConstraints] [keyUsage] [DAYS]
    key "$1" "$3"
    signed "$1" "$2" "/O=$td/CN=$1" "${6:-365}" \
        "${4:-basicConstraints=critical,CA:TRUE,pathlen:0}\n${5:-$ca_usage}\n$skid\n$akid\nsubjectAltName=URI:spiffe://$td\n"
}
leaf() { # NAME ISSUER ALGORITHM [SAN] [keyUsage] [purposes] [basicConstraints] [DAYS] [SUBJECT]
    key "$1" "$3"
    signed "$1" "$2" "${9:-/}" "${8:-1}" \
        "${7:-basicConstraints=critical,CA:FALSE}\n${5:-$leaf_usage}\n${6:-$leaf_purposes}\n$skid\n$akid\nsubjectAltName=${4:-critical,URI:$id}\n"
}
cacerts() { # FOLDER CA ROOT
    mkdir -p "$1"
    cp "$2.pem" "$1/ca-cert.pem"
    cp "$2.key" "$1/ca-key.pem"
    cat "$2.pem" "$3.pem" >"$1/cert-chain.pem"
    cp "$3.pem" "$1/root-cert.pem"
}

cd "$work"
for algorithm in p256 p384 ed25519 rsa; do
    root "root-$algorithm" "$algorithm" "Root $algorithm"
    ca "ca-$algorithm" "root-$algorithm" "$algorithm"
    # An RSA leaf says keyEncipherment as well: TLS 1.2's RSA key exchange asks for it.
    usage=$leaf_usage
    [ "$algorithm" = rsa ] && usage=$usage,keyEncipherment
    leaf "leaf-$algorithm" "ca-$algorithm" "$algorithm" "" "$usage"
    cacerts "cacerts-$algorithm" "ca-$algorithm" "root-$algorithm"
done

root other-root p256 "Root p256" # the same names, another key
ca no-ca root-p256 p256 "basicConstraints=critical,CA:FALSE"
leaf under-no-ca no-ca p256
ca no-cert-sign root-p256 p256 "" "keyUsage=critical,cRLSign"
leaf under-no-cert-sign no-cert-sign p256
ca below-pathlen ca-p256 p256 # a CA below one whose path length is 0
leaf under-pathlen below-pathlen p256
ca constraints-not-critical root-p256 p256 "basicConstraints=CA:TRUE"
ca expired-ca root-p256 p256 "" "" -1
leaf client-only ca-p256 p256 "" "" "extendedKeyUsage=clientAuth"
leaf server-only ca-p256 p256 "" "" "extendedKeyUsage=serverAuth"
leaf san-not-critical ca-p256 p256 "URI:$id"
leaf other-id ca-p256 p256 "critical,URI:spiffe://$td/ns/shop/sa/pay"
leaf other-td ca-p256 p256 "critical,URI:spiffe://other.example/ns/shop/sa/cart"
leaf two-uris ca-p256 p256 "critical,URI:$id,URI:spiffe://$td/ns/shop/sa/pay"
leaf no-uri ca-p256 p256 "critical,DNS:cart.shop.svc"
leaf leaf-is-ca ca-p256 p256 "" "" "" "basicConstraints=critical,CA:TRUE"
leaf leaf-cert-sign ca-p256 p256 "" "keyUsage=critical,digitalSignature,keyCertSign"
# A serial number of nought, and extensions that RFC 5280 demands left out
key serial-zero p256
openssl req -new -key serial-zero.key -subj / -out serial-zero.csr
openssl x509 -req -in serial-zero.csr -CA ca-p256.pem -CAkey ca-p256.key -days 1 -set_serial 0 -extfile leaf-p256.ext -out serial-zero.pem 2>/dev/null
key no-akid p256
signed no-akid ca-p256 / 1 "basicConstraints=critical,CA:FALSE\n$leaf_usage\n$leaf_purposes\n$skid\nsubjectAltName=critical,URI:$id\nauthorityKeyIdentifier=none\n"
key ca-no-skid p256
signed ca-no-skid root-p256 "/O=$td/CN=ca-no-skid" 365 "basicConstraints=critical,CA:TRUE\n$ca_usage\nsubjectKeyIdentifier=none\n$akid\n"
key leaf-no-skid p256
signed leaf-no-skid ca-p256 / 1 "basicConstraints=critical,CA:FALSE\n$leaf_usage\n$leaf_purposes\nsubjectKeyIdentifier=none\n$akid\nsubjectAltName=critical,URI:$id\n"

cacerts cacerts-other-key ca-p256 root-p256 && cp ca-p384.key cacerts-other-key/ca-key.pem
cacerts cacerts-other-root ca-p256 other-root
cacerts cacerts-no-ca no-ca root-p256
cacerts cacerts-expired expired-ca root-p256
cacerts cacerts-no-chain ca-p256 root-p256 && rm cacerts-no-chain/cert-chain.pem
cacerts cacerts-encrypted ca-p256 root-p256
openssl pkcs8 -topk8 -in ca-p256.key -passout pass:planted -out cacerts-encrypted/ca-key.pem
cacerts cacerts-crl-of-one ca-p256 root-p256 # a CRL of the root, none of the cluster CA
touch index.txt
printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ndefault_md=sha256\ndefault_crl_days=7\ncrl_extensions=crl\n[crl]\nauthorityKeyIdentifier=keyid\n' >ca.cnf
openssl ca -config ca.cnf -gencrl -keyfile root-p256.key -cert root-p256.pem -out root.crl 2>/dev/null
openssl ca -config ca.cnf -gencrl -keyfile ca-p256.key -cert ca-p256.pem -out ca.crl 2>/dev/null
cp root.crl cacerts-crl-of-one/ca-crl.pem
cacerts cacerts-crl ca-p256 root-p256 && cat root.crl ca.crl >cacerts-crl/ca-crl.pem
cacerts cacerts-tls ca-p256 root-p256
(cd cacerts-tls && mv ca-cert.pem tls.crt && mv ca-key.pem tls.key && mv root-cert.pem ca.crt && rm cert-chain.pem)

PYTHONDONTWRITEBYTECODE=1 python3 "$here/selftest.py" "$work" "$tools/oracles/judge" "$here/pkilint.sh" "$@"
