package kafka

import "crypto/tls"

// TLSFiles are the files of a TLS configuration, PEM. All are optional; CertFile and KeyFile go together (mTLS).
type TLSFiles struct {
	CAFile            string // default: the system's authorities
	CertFile, KeyFile string
	ServerName        string // default: the host of each broker's address
	SkipVerify        bool
}

// Load reads the files. Errors name the file and say what to do.
func (f TLSFiles) Load() (*tls.Config, error) { return nil, ErrNotYet }
