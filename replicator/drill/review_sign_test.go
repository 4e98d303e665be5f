package drill

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// A signature of one report is none of another, however the two are put into one file: readers of JSON differ in keys that are there twice,
// and Go's takes "Checksum" for "checksum".
func TestSignatureOfAnotherReport(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	west, east := pair()
	o := options()
	o.Key = private
	good := drilled(t, west, east, o)

	forged := good
	forged.Summary.SkippedRecords, forged.Link = 7, "another"
	forged.Signature = nil
	var b bytes.Buffer
	if err := forged.Write(&b); err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	d := json.NewDecoder(bytes.NewReader(b.Bytes()))
	d.UseNumber()
	if err := d.Decode(&all); err != nil {
		t.Fatal(err)
	}
	all["signature"] = good.Signature
	body, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	for _, second := range []string{"Checksum", "CHECKSUM", "checKsum", "chec\u212asum"} { // the last is the sign of Kelvin
		file := []byte(strings.TrimSuffix(string(body), "}") + `,"` + second + `":"` + good.Checksum + `"}`)
		sum, stated, err := sumOf(file)
		if err == nil {
			file = bytes.Replace(file, []byte(stated), []byte(sum), 1)
		}
		r, err := Check(file)
		if err == nil {
			err = CheckSignature(r, public)
		}
		if err == nil {
			t.Errorf("%s: a forged report counts as signed: link %s, %d skipped", second, r.Link, r.Summary.SkippedRecords)
		}
	}
}

// A key that is there twice says one thing to one reader and another to the next.
func TestKeyTwiceIsNoReport(t *testing.T) {
	west, east := pair()
	var b bytes.Buffer
	if err := drilled(t, west, east, options()).Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, twice := range []string{`"result": "failed",`, `"summary": {"positions": 1000},`, `"checksum": "sha256:00",`, `"x": {"a": 1, "a": 2},`, `"x": [{"a": {"b": 1, "b": 1}}],`} {
		file := []byte("{" + twice + strings.TrimPrefix(b.String(), "{"))
		if _, err := Check(file); !errors.Is(err, ErrNotAReport) {
			t.Errorf("%s in front: %v", twice, err)
		}
	}
	if _, err := Check(b.Bytes()); err != nil {
		t.Error(err)
	}
}
