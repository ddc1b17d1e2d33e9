package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"meshroot.example/lines"
)

// judgeTLSClient is whatever TLS client stands behind a proxy's Unix socket: a connection to "through" makes it connect to "socket", where it
// is shown a server certificate, whose bytes need not be a certificate that Go can read. It accepts if what is said through it is echoed.
func judgeTLSClient(line []byte, _ *answer) error {
	var request struct {
		Oracle  string `json:"oracle"`
		Socket  string `json:"socket"`
		Through string `json:"through"`
		Chain   string `json:"chain"`
		Key     string `json:"key"`
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
		return fmt.Errorf("Go cannot use the server's key: %w", err)
	}
	listener, err := net.Listen("unix", request.Socket)
	if err != nil {
		return lines.Faultf("socket: %w", err)
	}
	defer listener.Close()
	serve := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return &tls.Certificate{Certificate: chain, PrivateKey: key}, nil
	}}
	connected := make(chan struct{}, 1)
	go func() {
		connection, err := tls.NewListener(listener, serve).Accept()
		if err != nil {
			return
		}
		connected <- struct{}{}
		defer connection.Close()
		_ = connection.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = io.Copy(connection, connection)
	}()

	client, err := net.DialTimeout("unix", request.Through, 5*time.Second)
	if err != nil {
		return lines.Faultf("through: %w", err)
	}
	defer client.Close()
	if err := client.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return lines.Faultf("through: %w", err)
	}
	const said = "let me in"
	_, _ = client.Write([]byte(said))
	heard := make([]byte, len(said))
	_, err = io.ReadFull(client, heard)
	select {
	case <-connected:
	default:
		return lines.Faultf("nobody came to %s", request.Socket)
	}
	if err == nil && string(heard) != said {
		return errors.New("the connection ended with something else")
	}
	return err
}
