package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/IBM/sarama"
)

// failed makes an *Error of what went wrong on the way to a broker. addr may be empty.
func (c *Cluster) failed(a ask, addr string, err error) error {
	var done *Error
	var k sarama.KError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &done):
		return err
	case errors.Is(err, ErrClosed):
		return &Error{Cluster: c.cfg.Name, Op: a.op, On: a.name, Class: Canceled, Err: ErrClosed}
	case errors.As(err, &k) && !inGreeting(err):
		return c.answered(a, k, "")
	}
	e := &Error{Cluster: c.cfg.Name, Op: a.op, On: a.name}
	e.Class, e.Hint, e.Err = c.diagnose(addr, err)
	return e
}

func inGreeting(err error) bool {
	var d *dialError
	return errors.As(err, &d)
}

// diagnose turns an error of a connection into what a person can act on.
func (c *Cluster) diagnose(addr string, err error) (Class, string, error) {
	var lost *lostError
	var dial *dialError
	switch {
	case errors.Is(err, errSpeaksTLS):
		return Credentials, "turn tls on for this cluster, or use its plaintext port", fmt.Errorf("%s: %w", addr, err)
	case errors.Is(err, errNotKafka):
		return Credentials, "check host and port; is it an HTTP port, or one that wants TLS?", fmt.Errorf("%s: %w", addr, err)
	case errors.As(err, &dial):
		return c.diagnoseDial(addr, dial)
	case errors.As(err, &lost):
		return c.diagnoseLost(addr, lost)
	case errors.Is(err, context.Canceled):
		return Canceled, "", err
	case errors.Is(err, context.DeadlineExceeded):
		return Unreachable, "", fmt.Errorf("%s: %w: no answer in time", addr, ErrUnreachable)
	default:
		return Fatal, "", fmt.Errorf("%s: %w", addr, err)
	}
}

func (c *Cluster) diagnoseLost(addr string, lost *lostError) (Class, string, error) {
	hint := ""
	if lost.first && closedByPeer(lost.err) && c.cfg.SASL == nil {
		hint = "sasl, if it keeps happening: listeners that want it close the connection at the first question without"
	}
	if silent(lost.err) {
		return Unreachable, "", fmt.Errorf("%s: %w: no answer for %v", addr, ErrUnreachable, c.cfg.RequestTimeout)
	}
	return Unreachable, hint, fmt.Errorf("%s: %w: %w", addr, ErrUnreachable, lost)
}

func (c *Cluster) diagnoseDial(addr string, d *dialError) (Class, string, error) {
	err := fmt.Errorf("%s: %w: %w", addr, ErrUnreachable, d)
	if errors.Is(d.err, context.Canceled) {
		return Canceled, "", d.err
	}
	k, coded := saslCode(d.err)
	switch {
	case d.step == stepConnect:
		return Unreachable, connectHint(d.err), err
	case d.step == stepTLS:
		return c.diagnoseTLS(addr, d)
	case tlsAlert(d.err):
		return Credentials, "a client certificate (tls.cert_file, tls.key_file) that the broker's authority signed", fmt.Errorf("%s: %w: %w", addr, ErrAuthentication, d)
	case coded:
		return c.diagnoseSASL(addr, k, d.err)
	case errors.As(d.err, new(sarama.ConfigurationError)):
		return Credentials, fmt.Sprintf("sasl.mechanism: one of %v", Mechanisms()), fmt.Errorf("%s: %w", addr, d.err)
	case c.cfg.SASL != nil && scramRefused(d.err):
		return Credentials, credentialsHint(c.cfg.SASL), fmt.Errorf("%s: %w: %w", addr, ErrAuthentication, d.err)
	case closedByPeer(d.err):
		return Unreachable, c.hangUpHint(), err
	case silent(d.err), errors.Is(d.err, context.DeadlineExceeded):
		return Unreachable, "is it a Kafka listener? It takes connections, but does not answer", err
	}
	return Unreachable, "", err
}

// hangUpHint guesses why a broker closed the connection during the handshake. Kafka says what it does not like; what stands
// before it, or another TLS mode, does not.
func (c *Cluster) hangUpHint() string {
	var hints []string
	if s := c.cfg.SASL; s != nil {
		hints = append(hints, credentialsHint(s))
	}
	if c.cfg.TLS == nil {
		hints = append(hints, "turn tls on, if this listener wants it")
	}
	return strings.Join(hints, "; ")
}

func (c *Cluster) diagnoseSASL(addr string, k sarama.KError, err error) (Class, string, error) {
	wrap := &brokerError{code: int16(k), message: saslMessage(k, err)}
	e := fmt.Errorf("%s: %w", addr, wrap)
	s := c.cfg.SASL
	if s == nil || codes[int16(k)].class != Credentials {
		return codes[int16(k)].class, "", e
	}
	switch k {
	case sarama.ErrUnsupportedSASLMechanism:
		return Credentials, fmt.Sprintf("another sasl.mechanism than %s: the broker's sasl.enabled.mechanisms does not list it", s.Mechanism), e
	case sarama.ErrIllegalSASLState:
		return Credentials, "leave sasl out: this listener does not authenticate", e
	}
	return Credentials, credentialsHint(s), e
}

// saslCode finds the error code of a handshake. sarama wraps it in an error that answers errors.Is, but not errors.As.
func saslCode(err error) (sarama.KError, bool) {
	for _, k := range []sarama.KError{sarama.ErrSASLAuthenticationFailed, sarama.ErrUnsupportedSASLMechanism, sarama.ErrIllegalSASLState} {
		if errors.Is(err, k) {
			return k, true
		}
	}
	var k sarama.KError
	return k, errors.As(err, &k)
}

// saslMessage is what the broker said beside the code.
func saslMessage(k sarama.KError, err error) string {
	_, said, _ := strings.Cut(err.Error(), k.Error()+": ")
	return said
}

func credentialsHint(s *SASL) string {
	return fmt.Sprintf("check user name and password of %q, and that the user exists for %s", s.Username, s.Mechanism)
}

// scramRefused recognises the client side of a failed SCRAM exchange.
func scramRefused(err error) bool {
	s := err.Error()
	return strings.Contains(s, "server signature") || strings.Contains(s, "server error") || strings.Contains(s, "nonce")
}

func (c *Cluster) diagnoseTLS(addr string, d *dialError) (Class, string, error) {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	e := fmt.Errorf("%s: %w", addr, d)
	switch {
	case errors.As(d.err, &authority):
		return Credentials, "tls.ca_file with the authority that signed the broker's certificate", e
	case errors.As(d.err, &host):
		return Credentials, "tls.server_name, or a broker certificate with this host name", e
	case errors.As(d.err, &invalid):
		return Credentials, "a broker certificate that is valid today (check both clocks, too)", e
	case errors.As(d.err, &record):
		return Credentials, "leave tls out: this port speaks plaintext", e
	case tlsAlert(d.err):
		return Credentials, "a client certificate (tls.cert_file, tls.key_file) that the broker accepts, or another TLS version", e
	case closedByPeer(d.err), silent(d.err), errors.Is(d.err, context.DeadlineExceeded):
		return Unreachable, "leave tls out, if this port speaks plaintext", fmt.Errorf("%s: %w: %w", addr, ErrUnreachable, d)
	}
	return Unreachable, "", fmt.Errorf("%s: %w: %w", addr, ErrUnreachable, d)
}

// tlsAlert says that the other side refused TLS, or who we are.
func tlsAlert(err error) bool {
	var alert tls.AlertError
	return errors.As(err, &alert) || strings.Contains(err.Error(), "remote error: tls:")
}

func closedByPeer(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func connectHint(err error) string {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "is the broker up, and is the port right?"
	case strings.Contains(err.Error(), "no such host"):
		return "check the host name; brokers must also advertise names that this machine resolves (advertised.listeners)"
	case errors.Is(err, context.DeadlineExceeded), silent(err):
		return "check address and firewall: nothing answered"
	}
	return ""
}
