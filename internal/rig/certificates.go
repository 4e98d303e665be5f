package rig

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// certificates is an authority of a day, and what it signed, as PEM files: the
// JVM reads them with ssl.keystore.type=PEM.
type certificates struct {
	dir    string
	ca     string // the authority's certificate
	server string // the brokers' key and certificate in one file, as Kafka wants it

	authority *x509.Certificate
	key       *ecdsa.PrivateKey
}

func newCertificates(dir string) (*certificates, error) {
	c := &certificates{dir: dir, ca: filepath.Join(dir, "ca.pem"), server: filepath.Join(dir, "server.pem")}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	template := template("leftoff rig")
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, key, err := sign(template, nil, nil)
	if err != nil {
		return nil, err
	}
	c.key = key
	if c.authority, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	if err := os.WriteFile(c.ca, certPEM(der), 0o644); err != nil {
		return nil, err
	}
	cert, keyPEM, err := c.issue("broker")
	if err != nil {
		return nil, err
	}
	return c, os.WriteFile(c.server, append(keyPEM, cert...), 0o600)
}

// client makes a certificate for a common name and writes it with its key.
func (c *certificates) client(name string) (certFile, keyFile string, err error) {
	cert, key, err := c.issue(name)
	if err != nil {
		return "", "", err
	}
	certFile, keyFile = filepath.Join(c.dir, name+".crt"), filepath.Join(c.dir, name+".key")
	if err := os.WriteFile(certFile, cert, 0o644); err != nil {
		return "", "", err
	}
	return certFile, keyFile, os.WriteFile(keyFile, key, 0o600)
}

// issue signs a certificate good for both ends of a loopback connection.
func (c *certificates) issue(name string) (cert, key []byte, err error) {
	template := template(name)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	template.DNSNames, template.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}
	der, private, err := sign(template, c.authority, c.key)
	if err != nil {
		return nil, nil, err
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return certPEM(der), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), nil
}

func (c *certificates) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(c.authority)
	return pool
}

func template(name string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62))
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
}

// sign makes a key and its certificate; without a parent it signs itself.
func sign(template, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) ([]byte, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	return der, key, err
}

func certPEM(der []byte) []byte {
	var b bytes.Buffer
	_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: der}) // a Buffer takes everything
	return b.Bytes()
}
