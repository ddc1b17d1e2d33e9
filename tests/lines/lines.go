// Package lines is how a test asks a program in Go: a JSON object per line on standard input, an answer per line on standard output, in order.
package lines

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Fault says that the question was wrong and nothing was tried. It is kept apart from every answer, so that a test with a typing error in it
// cannot pass for one whose defect was noticed.
type Fault struct{ error }

// Faultf is a Fault in these words.
func Faultf(format string, args ...any) error { return Fault{fmt.Errorf(format, args...)} }

// IsFault says whether there is a Fault in err.
func IsFault(err error) bool {
	var f Fault
	return errors.As(err, &f)
}

// Serve answers until the input ends. It flushes after every answer, so that a caller may keep one process and ask in turns.
func Serve[A any](in io.Reader, out io.Writer, answer func(line []byte) A) error {
	reader, encoder := bufio.NewReader(in), json.NewEncoder(out)
	for {
		line, err := reader.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			if err := encoder.Encode(answer(line)); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Decode refuses unknown fields: a misspelt one would otherwise be a check that never ran.
func Decode(line []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return Faultf("request: %w", err)
	}
	return nil
}
