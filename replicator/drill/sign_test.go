package drill

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func keyFile(t *testing.T, name, kind string, der []byte, err error, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
	return path
}

func privateFile(t *testing.T, key any, mode os.FileMode) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return keyFile(t, "drill.key", "PRIVATE KEY", der, err, mode)
}

func publicFile(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	return keyFile(t, "drill.pub", "PUBLIC KEY", der, err, 0o644)
}

// A signed report can be checked without and with the key, and nothing of it be changed: not the report, not the checksum, not the signature.
func TestSignedReport(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, stranger, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := LoadKey(privateFile(t, private, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	known, err := LoadPublicKey(publicFile(t, public))
	if err != nil {
		t.Fatal(err)
	}
	west, east := pair()
	o := options()
	o.Key = key
	var written bytes.Buffer
	if err := drilled(t, west, east, o).Write(&written); err != nil {
		t.Fatal(err)
	}
	r, err := Check(written.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(CheckSignature(r, nil), CheckSignature(r, known)); err != nil {
		t.Fatal(err)
	}
	if err := CheckSignature(r, other); !errors.Is(err, ErrOtherKey) || !strings.Contains(err.Error(), Fingerprint(public)) {
		t.Errorf("another key: %v", err)
	}

	changed := r // by somebody who can compute the checksum, but has no key
	changed.Summary.SkippedRecords++
	changed.Checksum = checksum(&changed)
	var again bytes.Buffer
	if err := changed.Write(&again); err != nil {
		t.Fatal(err)
	}
	if changed, err = Check(again.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := CheckSignature(changed, known); !errors.Is(err, ErrWrongSignature) {
		t.Errorf("a forged report: %v", err)
	}
	sign(&changed, stranger)
	if err := CheckSignature(changed, known); !errors.Is(err, ErrOtherKey) {
		t.Errorf("a report that somebody else signed: %v", err)
	}
	changed.Signature.PublicKey = r.Signature.PublicKey
	if err := CheckSignature(changed, known); !errors.Is(err, ErrWrongSignature) {
		t.Errorf("somebody else's signature under the right key: %v", err)
	}
	changed.Signature = nil
	if err := CheckSignature(changed, known); !errors.Is(err, ErrUnsigned) {
		t.Errorf("without its signature: %v", err)
	}
	var page bytes.Buffer
	if err := Page(&page, r); err != nil || !strings.Contains(page.String(), "Signed with the key <code>SHA256:") {
		t.Errorf("the page does not say who signed: %v", err)
	}
}

func TestKeysThatAreNone(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ path, says string }{
		"missing":          {filepath.Join(t.TempDir(), "nowhere"), "there is no such file. Try: openssl genpkey"},
		"text":             {text, "not a key in PEM"},
		"another kind":     {privateFile(t, curve, 0o600), "not an Ed25519 private key (PKCS #8, not encrypted) but a *ecdsa.PrivateKey"},
		"the public key":   {publicFile(t, public), ""},
		"world-readable":   {privateFile(t, private, 0o644), "everybody on this machine may read it (mode 0644). Try: chmod 600"},
		"damaged":          {keyFile(t, "damaged", "PRIVATE KEY", []byte("nonsense"), nil, 0o600), `but a "PRIVATE KEY"`},
		"world-executable": {privateFile(t, private, 0o601), "mode 0601"},
	} {
		if _, err := LoadKey(c.path); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := LoadKey(privateFile(t, private, 0o640)); err != nil {
		t.Errorf("a key for a group: %v", err)
	}
	if _, err := LoadPublicKey(privateFile(t, private, 0o600)); err == nil || !strings.Contains(err.Error(), "openssl pkey -in") {
		t.Errorf("the private key for the public one: %v", err)
	}
}
