// Command citadel asks a CA for certificates with Istio's own client, and says what Istio's agent makes of the answer.
//
// It reads one JSON request per line on standard input and answers each with one JSON line on standard output, in order: `"ok":true` with what
// came of it, or `"ok":false` with the reason in Istio's words, and the gRPC status code where there was one. `"fault":true` says that the
// question was wrong and nothing was tried.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"

	"istio.io/istio/pkg/log"
	"meshroot.example/lines"
)

// answer is one output line.
type answer struct {
	OK     bool   `json:"ok"`
	Fault  bool   `json:"fault,omitempty"`
	Reason string `json:"reason,omitempty"`
	Code   string `json:"code,omitempty"`

	Chain    []string `json:"chain,omitempty"`
	Key      string   `json:"key,omitempty"`
	Roots    string   `json:"roots,omitempty"`
	Created  int64    `json:"created,omitempty"`
	Expires  int64    `json:"expires,omitempty"`
	Services []string `json:"services,omitempty"`
}

var questions = map[string]func(line []byte, out *answer) error{
	"sign":   sign,
	"secret": secret,
	"peek":   peek,
	"idle":   idle,
}

func main() {
	// Istio's library logs on standard output, which belongs to the answers; what it logs is in their reasons, too.
	logging := log.DefaultOptions()
	logging.OutputPaths = []string{os.DevNull}
	if err := log.Configure(logging); err != nil {
		fmt.Fprintln(os.Stderr, "citadel:", err)
		os.Exit(1)
	}
	if err := lines.Serve(os.Stdin, os.Stdout, answerTo); err != nil {
		fmt.Fprintln(os.Stderr, "citadel:", err)
		os.Exit(1)
	}
}

// Istio's client wraps the status into text; its code is found there again.
var code = regexp.MustCompile(`rpc error: code = (\w+)`)

func answerTo(line []byte) (out answer) {
	var head struct {
		Ask string `json:"ask"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return answer{Fault: true, Reason: "not a JSON object: " + err.Error()}
	}
	ask, known := questions[head.Ask]
	if !known {
		return answer{Fault: true, Reason: fmt.Sprintf("nothing is called %q", head.Ask)}
	}
	err := ask(line, &out)
	if err == nil {
		out.OK = true
		return out
	}
	out = answer{Fault: lines.IsFault(err), Reason: err.Error()}
	if found := code.FindStringSubmatch(out.Reason); found != nil {
		out.Code = found[1]
	}
	return out
}
