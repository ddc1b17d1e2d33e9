// Command judge asks implementations that are not ours what they make of certificates, requests and CA folders.
//
// It reads one JSON request per line on standard input and answers each with one JSON line on standard output, in order:
//
//	{"ok":true,"reason":""}                    the oracle accepts
//	{"ok":false,"reason":"…"}                  the oracle refuses, and why
//	{"ok":false,"fault":true,"reason":"…"}     the question was wrong (unknown field, no PEM, no such folder): no verdict
//
// A fault is kept apart from a refusal so that a test with a typing error in it cannot pass for a planted defect that was noticed.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"meshroot.example/lines"
)

// answer is one output line; csr and key are set by make-csr only.
type answer struct {
	OK     bool   `json:"ok"`
	Fault  bool   `json:"fault,omitempty"`
	Reason string `json:"reason"`
	CSR    string `json:"csr,omitempty"`
	Key    string `json:"key,omitempty"`
}

// An oracle decodes its own request and returns nil when it accepts. The answer is there to be added to.
type oracle func(request []byte, out *answer) error

var oracles = map[string]oracle{
	"go-x509":       judgeX509,
	"go-spiffe":     judgeSpiffe,
	"istio-cacerts": judgeCacerts,
	"tls-client":    judgeTLS,
	"tls-server":    judgeTLSClient,
	"zlint":         judgeZlint,
	"csr":           judgeCSR,
	"make-csr":      makeCSR,
}

func main() {
	if err := lines.Serve(os.Stdin, os.Stdout, answerTo); err != nil {
		fmt.Fprintln(os.Stderr, "judge:", err)
		os.Exit(1)
	}
}

func answerTo(line []byte) (out answer) {
	// A panic in a judged library is a finding about this one request, not the end of all that follow.
	defer func() {
		if p := recover(); p != nil {
			out = answer{Fault: true, Reason: fmt.Sprintf("the oracle panicked: %v", p)}
		}
	}()
	var head struct {
		Oracle string `json:"oracle"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return answer{Fault: true, Reason: "not a JSON object: " + err.Error()}
	}
	judge, known := oracles[head.Oracle]
	if !known {
		return answer{Fault: true, Reason: fmt.Sprintf("no oracle is called %q", head.Oracle)}
	}
	err := judge(line, &out)
	if err == nil {
		out.OK = true
		return out
	}
	return answer{Fault: lines.IsFault(err), Reason: err.Error()}
}
