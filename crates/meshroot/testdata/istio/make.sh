#!/bin/sh
# Makes the fixtures that the library cannot make itself: RSA keys, SHA-1 signatures, certificates of version 1.
# Run in this folder, with OpenSSL 3. The certificates are valid for a hundred years.
set -eu
days="-days 36500"
ca='basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash'

# A CA with a key that is too small.
openssl req -x509 -newkey rsa:1024 -nodes -keyout rsa1024-key.pem -out rsa1024-cert.pem -subj "/O=Fixture/CN=RSA 1024" $days \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null

# An RSA root with a sound intermediate and one signed with SHA-1, both of one key (in PKCS#1).
openssl req -x509 -newkey rsa:2048 -nodes -keyout root.key -out rsa-root.pem -subj "/O=Fixture/CN=RSA root" $days -sha256 \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
openssl genrsa -traditional -out rsa-ca-key.pem 2048 2>/dev/null
openssl req -new -key rsa-ca-key.pem -subj "/O=Fixture/CN=RSA cluster CA" -out ca.csr
printf '%s\nauthorityKeyIdentifier=keyid\n' "$ca" > ca.ext
openssl x509 -req -in ca.csr -CA rsa-root.pem -CAkey root.key -set_serial 2 $days -sha256 -extfile ca.ext -out rsa-ca.pem 2>/dev/null
openssl x509 -req -in ca.csr -CA rsa-root.pem -CAkey root.key -set_serial 3 $days -sha1 -extfile ca.ext -out sha1-ca.pem 2>/dev/null

# A root of version 1, which has no extensions, and a CA below it, whose key file begins with EC PARAMETERS.
openssl ecparam -name prime256v1 -genkey -noout -out root.key
openssl req -new -key root.key -subj "/O=Fixture/CN=version 1" -out root.csr
openssl x509 -req -in root.csr -signkey root.key -set_serial 1 $days -sha256 -out v1-root.pem 2>/dev/null
openssl ecparam -name prime256v1 -genkey -out v1-ca-key-parameters.pem
openssl ec -in v1-ca-key-parameters.pem -out v1-ca-key.pem 2>/dev/null
openssl req -new -key v1-ca-key.pem -subj "/O=Fixture/CN=below version 1" -out ca.csr
printf '%s\n' "$ca" > ca.ext
openssl x509 -req -in ca.csr -CA v1-root.pem -CAkey root.key -set_serial 2 $days -sha256 -extfile ca.ext -out v1-ca.pem 2>/dev/null

rm -f root.key root.csr ca.csr ca.ext
