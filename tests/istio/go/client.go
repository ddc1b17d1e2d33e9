package main

import (
	"istio.io/istio/pkg/security"
	"istio.io/istio/security/pkg/credentialfetcher"
	"istio.io/istio/security/pkg/nodeagent/cache"
	"istio.io/istio/security/pkg/nodeagent/caclient/providers/citadel"

	"meshroot.example/lines"
)

// caller is who asks, and whom: the settings of an istio-agent that matter here.
type caller struct {
	Ask      string `json:"ask"`
	Endpoint string `json:"endpoint"` // CA_ADDR
	Roots    string `json:"roots"`    // CA_ROOT_CA, a file
	Token    string `json:"token"`    // the file of the projected token
	Cluster  string `json:"cluster"`  // ISTIO_META_CLUSTER_ID
	Cert     string `json:"cert"`     // PROV_CERT's two files
	Key      string `json:"key"`
}

func (c caller) connect(options *security.Options) (*citadel.CitadelClient, error) {
	fetcher, err := credentialfetcher.NewCredFetcher(security.JWT, options.TrustDomain, c.Token, "")
	if err != nil {
		return nil, lines.Faultf("%w", err)
	}
	// A nil pointer in an interface is not nil: without a token there must be no fetcher at all.
	if c.Token != "" {
		options.CredFetcher = fetcher
	}
	options.CAEndpoint, options.ClusterID = c.Endpoint, c.Cluster
	return citadel.NewCitadelClient(options, &citadel.TLSOptions{RootCert: c.Roots, Cert: c.Cert, Key: c.Key})
}

// sign sends a given request for a certificate and answers the strings of the chain as they came.
func sign(line []byte, out *answer) error {
	var request struct {
		caller
		CSR string `json:"csr"`
		TTL int64  `json:"ttl"` // seconds
	}
	if err := lines.Decode(line, &request); err != nil {
		return err
	}
	client, err := request.connect(&security.Options{})
	if err != nil {
		return err
	}
	defer client.Close()
	out.Chain, err = client.CSRSign([]byte(request.CSR), request.TTL)
	return err
}

// secret lets the agent's secret cache make its own request, and answers what it would hand to Envoy over SDS.
func secret(line []byte, out *answer) error {
	var request struct {
		caller
		TrustDomain    string `json:"trust_domain"`
		Namespace      string `json:"namespace"`
		ServiceAccount string `json:"service_account"`
		TTL            int64  `json:"ttl"` // seconds
		Curve          string `json:"curve"`
	}
	if err := lines.Decode(line, &request); err != nil {
		return err
	}
	options := &security.Options{
		TrustDomain: request.TrustDomain, WorkloadNamespace: request.Namespace, ServiceAccount: request.ServiceAccount,
		WorkloadRSAKeySize: 2048, Pkcs8Keys: true, SecretTTL: seconds(request.TTL),
		SecretRotationGracePeriodRatio: 0.5, SecretRotationGracePeriodRatioJitter: 0.01,
	}
	if request.Curve != "" {
		options.ECCSigAlg, options.ECCCurve = "ECDSA", request.Curve
	}
	client, err := request.connect(options)
	if err != nil {
		return err
	}
	manager, err := cache.NewSecretManagerClient(client, options)
	if err != nil {
		return lines.Faultf("%w", err)
	}
	defer manager.Close() // closes the client, too
	workload, err := manager.GenerateSecret(security.WorkloadKeyCertResourceName)
	if err != nil {
		return err
	}
	anchors, err := manager.GenerateSecret(security.RootCertReqResourceName)
	if err != nil {
		return err
	}
	out.Chain, out.Key, out.Roots = []string{string(workload.CertificateChain)}, string(workload.PrivateKey), string(anchors.RootCert)
	out.Created, out.Expires = workload.CreatedTime.Unix(), workload.ExpireTime.Unix()
	return nil
}
