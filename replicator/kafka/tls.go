package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// TLSFiles are the files of a TLS configuration, PEM. All are optional; CertFile and KeyFile go together (mTLS).
type TLSFiles struct {
	CAFile            string // default: the system's authorities
	CertFile, KeyFile string
	ServerName        string // default: the host of each broker's address
	SkipVerify        bool
}

// Load reads the files. Errors name the file and say what to do.
func (f TLSFiles) Load() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: f.ServerName, InsecureSkipVerify: f.SkipVerify}
	if f.CAFile != "" {
		pem, err := os.ReadFile(f.CAFile)
		if err != nil {
			return nil, fmt.Errorf("ca file: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca file %s: no certificate in it. Try: a PEM file, beginning with -----BEGIN CERTIFICATE-----", f.CAFile)
		}
	}
	if f.CertFile == "" && f.KeyFile == "" {
		return cfg, nil
	}
	if f.CertFile == "" || f.KeyFile == "" {
		return nil, fmt.Errorf("client certificate: cert file %q, key file %q. Try: both, or neither", f.CertFile, f.KeyFile)
	}
	pair, err := tls.LoadX509KeyPair(f.CertFile, f.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("client certificate: %w. Try: unencrypted PEM files that belong together", err)
	}
	cfg.Certificates = []tls.Certificate{pair}
	return cfg, nil
}
