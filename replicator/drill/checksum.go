package drill

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// What Check found wrong.
var (
	ErrNotAReport = errors.New("not the report of a drill")
	ErrChanged    = errors.New("the report was changed after the drill")
)

// checksum of a report. It can't fail: a Report has nothing that JSON has not.
func checksum(r *Report) string {
	encoded, err := json.Marshal(r)
	if err != nil {
		panic(fmt.Sprintf("drill: encode a report: %v", err))
	}
	sum, _, err := sumOf(encoded)
	if err != nil {
		panic(fmt.Sprintf("drill: sum up a report: %v", err))
	}
	return sum
}

// sumOf is the checksum of a report in JSON, however it is indented and its keys are ordered, and the one that it states. Keys that this version
// does not know count, too.
func sumOf(encoded []byte) (sum, stated string, err error) {
	d := json.NewDecoder(bytes.NewReader(encoded))
	d.UseNumber() // digits stay as they are
	var all map[string]any
	if err := d.Decode(&all); err != nil {
		return "", "", fmt.Errorf("%w: %w", ErrNotAReport, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return "", "", fmt.Errorf("%w: something follows it", ErrNotAReport)
	}
	if err := once(encoded); err != nil {
		return "", "", err
	}
	stated, _ = all["checksum"].(string)
	delete(all, "checksum")
	delete(all, "signature")
	var canonical bytes.Buffer
	e := json.NewEncoder(&canonical)
	e.SetEscapeHTML(false)
	if err := e.Encode(all); err != nil {
		return "", "", err
	}
	h := sha256.Sum256(bytes.TrimSuffix(canonical.Bytes(), []byte("\n")))
	return "sha256:" + hex.EncodeToString(h[:]), stated, nil
}

// Check reads a report in JSON and compares its checksum. It finds accidents and careless edits; whoever can compute SHA-256 can forge
// it, so keep the checksum where the report is not.
func Check(encoded []byte) (Report, error) {
	var r Report
	sum, stated, err := sumOf(encoded)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(encoded, &r); err != nil {
		return r, fmt.Errorf("%w: %w", ErrNotAReport, err)
	}
	switch {
	case r.Schema == 0 || r.ID == "" || stated == "":
		return r, ErrNotAReport
	case sum != stated || r.Checksum != stated: // what a signature is held against is what was compared here
		return r, fmt.Errorf("%w: its checksum is %s, and it says %s", ErrChanged, sum, stated)
	}
	return r, nil
}
