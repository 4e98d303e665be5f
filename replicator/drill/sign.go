package drill

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
)

// What CheckSignature found wrong.
var (
	ErrUnsigned       = errors.New("the report is not signed")
	ErrWrongSignature = errors.New("the signature is not of this report")
	ErrOtherKey       = errors.New("the report was signed with another key")
)

// Signature of a report. It is over the text of the checksum, so that others can check it, too:
//
//	openssl pkeyutl -verify -rawin -pubin -inkey audit.pub -in checksum.txt -sigfile signature.bin
type Signature struct {
	Algorithm string `json:"algorithm"`  // ed25519
	PublicKey string `json:"public_key"` // 32 bytes, base64
	Value     string `json:"value"`      // 64 bytes, base64
}

const algorithm = "ed25519"

// sign signs a report that has its checksum.
func sign(r *Report, key ed25519.PrivateKey) {
	public := key.Public().(ed25519.PublicKey)
	r.Signature = &Signature{
		Algorithm: algorithm, PublicKey: base64.StdEncoding.EncodeToString(public),
		Value: base64.StdEncoding.EncodeToString(ed25519.Sign(key, []byte(r.Checksum))),
	}
}

// CheckSignature holds the signature of a report against its checksum, which Check holds against the report. by is whose it should be; nil:
// whoever signed it, which says no more than that the report was not changed since. Errors: ErrUnsigned, ErrWrongSignature, ErrOtherKey.
func CheckSignature(r Report, by ed25519.PublicKey) error {
	s := r.Signature
	if s == nil {
		return ErrUnsigned
	}
	if s.Algorithm != algorithm {
		return fmt.Errorf("%w: its algorithm is %q, which this leftoff does not know", ErrWrongSignature, s.Algorithm)
	}
	key, err := base64.StdEncoding.DecodeString(s.PublicKey)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return fmt.Errorf("%w: its public key is none", ErrWrongSignature)
	}
	if by != nil && !by.Equal(ed25519.PublicKey(key)) {
		return fmt.Errorf("%w: %s, not %s", ErrOtherKey, Fingerprint(key), Fingerprint(by))
	}
	value, err := base64.StdEncoding.DecodeString(s.Value)
	if err != nil || !ed25519.Verify(key, []byte(r.Checksum), value) {
		return ErrWrongSignature
	}
	return nil
}

// SignedBy is the fingerprint of the key that a report names; empty where it is not signed.
func (r Report) SignedBy() string {
	if r.Signature == nil {
		return ""
	}
	key, _ := base64.StdEncoding.DecodeString(r.Signature.PublicKey)
	return Fingerprint(key)
}

// Fingerprint names a public key for people.
func Fingerprint(key ed25519.PublicKey) string {
	h := sha256.Sum256(key)
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(h[:])
}

const (
	makeKey    = "openssl genpkey -algorithm ed25519 -out FILE"
	takePublic = "openssl pkey -in PRIVATE -pubout -out FILE"
)

// LoadKey reads a private key: Ed25519, PKCS #8, PEM, in a file that others may not read.
func LoadKey(path string) (ed25519.PrivateKey, error) {
	block, err := readPEM(path, makeKey)
	if err != nil {
		return nil, err
	}
	if err := private(path); err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("%s: not an Ed25519 private key (PKCS #8, not encrypted)%s. Try: %s", path, instead(block.Type, parsed), makeKey)
	}
	return key, nil
}

// LoadPublicKey reads a public key: Ed25519, PKIX, PEM.
func LoadPublicKey(path string) (ed25519.PublicKey, error) {
	block, err := readPEM(path, takePublic)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	key, ok := parsed.(ed25519.PublicKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("%s: not an Ed25519 public key%s. Try: %s", path, instead(block.Type, parsed), takePublic)
	}
	return key, nil
}

func instead(kind string, parsed any) string {
	if parsed != nil {
		return fmt.Sprintf(" but a %T", parsed)
	}
	return fmt.Sprintf(" but a %q", kind)
}

func readPEM(path, hint string) (*pem.Block, error) {
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: there is no such file. Try: %s", path, hint)
	case err != nil:
		return nil, fmt.Errorf("read the key: %w", err)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("%s: not a key in PEM. Try: %s", path, hint)
	}
	return block, nil
}

// private refuses a key that everybody on this machine may read.
func private(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o007 != 0 {
		return fmt.Errorf("%s: everybody on this machine may read it (mode %04o). Try: chmod 600 %s", path, mode, path)
	}
	return nil
}
