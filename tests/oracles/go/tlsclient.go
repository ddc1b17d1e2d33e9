package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"time"

	"meshroot.example/lines"
)

// judgeTLS is whatever TLS server listens on a Unix socket: it is shown a client certificate, whose bytes need not be a certificate that
// Go can read, and says back what it hears if it lets the client in. In TLS 1.3 a server judges after the client has finished, so only
// the echo counts.
func judgeTLS(line []byte, _ *answer) error {
	var request struct {
		Oracle     string `json:"oracle"`
		Socket     string `json:"socket"`
		ServerName string `json:"server_name"`
		Chain      string `json:"chain"`
		Key        string `json:"key"`
	}
	if err := lines.Decode(line, &request); err != nil {
		return err
	}
	chain, err := blocks("chain", request.Chain, "CERTIFICATE")
	if err != nil {
		return err
	}
	keys, err := blocks("key", request.Key, "PRIVATE KEY")
	if err != nil {
		return err
	}
	key, err := x509.ParsePKCS8PrivateKey(keys[0])
	if err != nil {
		return fmt.Errorf("Go cannot use the client's key: %w", err)
	}
	connection, err := net.DialTimeout("unix", request.Socket, 5*time.Second)
	if err != nil {
		return lines.Faultf("socket: %w", err)
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return lines.Faultf("socket: %w", err)
	}
	client := tls.Client(connection, &tls.Config{
		InsecureSkipVerify: true, // the server's certificate is not the question
		ServerName:         request.ServerName,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &tls.Certificate{Certificate: chain, PrivateKey: key}, nil
		},
	})
	if err := client.Handshake(); err != nil {
		return err
	}
	// A refusal may already have closed the connection; its alert is still there to be read.
	const said = "let me in"
	_, _ = client.Write([]byte(said))
	heard := make([]byte, len(said))
	if _, err := io.ReadFull(client, heard); err != nil {
		return err
	}
	if string(heard) != said {
		return lines.Faultf("the server is no echo: it said %q", heard)
	}
	return nil
}
