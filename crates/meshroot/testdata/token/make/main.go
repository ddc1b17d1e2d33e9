// Mints service account tokens as a Kubernetes API server does (pkg/serviceaccount/jwt.go, claims.go): with go-jose, the key ID
// derived from the key, typ left out, the claims in Kubernetes' shapes. Writes ../go-jose.json; the private keys are thrown away.
//
//	go run .
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"os"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// 2026-11-22T12:00:00Z
const now = 1_795_348_800

type ref struct {
	Name string `json:"name,omitempty"`
	UID  string `json:"uid,omitempty"`
}

type kubernetes struct {
	Namespace string `json:"namespace,omitempty"`
	Svcacct   ref    `json:"serviceaccount,omitempty"`
	Pod       *ref   `json:"pod,omitempty"`
	Secret    *ref   `json:"secret,omitempty"`
	Node      *ref   `json:"node,omitempty"`
	WarnAfter int64  `json:"warnafter,omitempty"`
}

type private struct {
	Kubernetes kubernetes `json:"kubernetes.io,omitempty"`
}

type made struct {
	Cluster   string             `json:"cluster"`
	Algorithm string             `json:"algorithm"`
	Jwks      jose.JSONWebKeySet `json:"jwks"`
	Token     string             `json:"token"`
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func at(seconds int64) *jwt.NumericDate {
	return jwt.NewNumericDate(time.Unix(seconds, 0))
}

func cluster(name string, alg jose.SignatureAlgorithm, key crypto.Signer) made {
	digest := sha256.Sum256(must(x509.MarshalPKIXPublicKey(key.Public())))
	kid := base64.RawURLEncoding.EncodeToString(digest[:])
	signer := must(jose.NewSigner(jose.SigningKey{
		Algorithm: alg,
		Key:       &jose.JSONWebKey{Algorithm: string(alg), Key: key, KeyID: kid, Use: "sig"},
	}, nil))
	public := jwt.Claims{
		Issuer:    "https://kubernetes.default.svc.cluster.local",
		Subject:   "system:serviceaccount:shop:cart",
		Audience:  jwt.Audience{"istio-ca"},
		Expiry:    at(now + 43200),
		NotBefore: at(now),
		IssuedAt:  at(now),
		ID:        "b1d0a6a8-3c0e-4f0e-9d3a-0a5f8d5b7a11",
	}
	claims := private{kubernetes{
		Namespace: "shop",
		Svcacct:   ref{"cart", "6e2b1c9e-9a1b-4a63-9f38-1d6d1e4f3c55"},
		Pod:       &ref{"cart-5d8f7c9b6-x2x7p", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"},
		Node:      &ref{"worker-1.west.example", "5b0e6a53-7c7e-4b1e-8f51-3d6a0a7f9e10"},
	}}
	token := must(jwt.Signed(signer).Claims(claims).Claims(public).Serialize())
	return made{name, string(alg), jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Algorithm: string(alg), Key: key.Public(), KeyID: kid, Use: "sig"},
	}}, token}
}

func main() {
	all := struct {
		Now      int64  `json:"now"`
		Clusters []made `json:"clusters"`
	}{now, []made{
		cluster("west", jose.RS256, must(rsa.GenerateKey(rand.Reader, 2048))),
		cluster("east", jose.ES256, must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))),
		cluster("north", jose.ES384, must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))),
		cluster("south", jose.ES512, must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))),
	}}
	text := must(json.MarshalIndent(all, "", "  "))
	if err := os.WriteFile("../go-jose.json", append(text, '\n'), 0o644); err != nil {
		panic(err)
	}
}
