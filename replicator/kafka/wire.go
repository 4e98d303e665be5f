package kafka

import (
	"encoding/binary"
	"errors"
	"net"
	"time"
)

// What stands on the other end of a plaintext connection, when it is no plaintext Kafka listener.
var (
	errSpeaksTLS = errors.New("the broker answered with TLS")
	errNotKafka  = errors.New("whoever answered does not speak Kafka's protocol")
)

// maxAnswer is the largest response that is believed to be one: sarama allocates what the first four bytes say.
const maxAnswer = 1 << 30

// wire is the connection under sarama's Broker. It turns the read timeout into one of silence: as long as bytes come, a
// large response over a slow line is fine; without one for the time of idle, the connection is given up. It also looks at
// the first answer, because a TLS alert or an HTTP error make a better message than a decoding error.
type wire struct {
	net.Conn
	idle    time.Duration
	sniff   bool
	strange error // what the first answer gave away; read after the greeting
}

// SetReadDeadline is what sarama would set for a whole response: ignored, see Read.
func (w *wire) SetReadDeadline(time.Time) error { return nil }

func (w *wire) Read(p []byte) (int, error) {
	if err := w.Conn.SetReadDeadline(time.Now().Add(w.idle)); err != nil {
		return 0, err
	}
	n, err := w.Conn.Read(p)
	if w.sniff && n >= 4 {
		w.sniff = false
		if w.strange = sniff(p[:n]); w.strange != nil {
			w.Conn.Close() // sarama would try an older version
			return 0, w.strange
		}
	}
	return n, err
}

func sniff(b []byte) error {
	switch {
	case b[0] == 0x15 && b[1] == 0x03: // a TLS alert record
		return errSpeaksTLS
	case binary.BigEndian.Uint32(b) > maxAnswer:
		return errNotKafka
	}
	return nil
}
