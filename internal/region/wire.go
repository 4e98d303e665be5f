package region

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// wire is the region's own connection to one of its brokers: one request at a time, no goroutine, no metadata.
type wire struct {
	turn   chan struct{} // a lock that testing/synctest understands
	conn   net.Conn      // nil: not dialled
	format *kmsg.RequestFormatter
	corr   int32
}

func newWire() *wire {
	return &wire{turn: make(chan struct{}, 1), format: kmsg.NewRequestFormatter(kmsg.FormatterClientID("region"))}
}

// ask sends a request and waits for its answer. The version is the request's.
func (w *wire) ask(r *Region, broker int32, req kmsg.Request) (kmsg.Response, error) {
	w.turn <- struct{}{}
	defer func() { <-w.turn }()
	if w.conn == nil {
		if err := w.dial(r, broker); err != nil {
			return nil, err
		}
	}
	resp, err := w.roundTrip(req)
	if err != nil {
		w.hangUp()
	}
	return resp, err
}

func (w *wire) dial(r *Region, broker int32) (err error) {
	if w.conn, err = r.gates[broker].internal(); err != nil {
		return err
	}
	if r.own.Name == "" {
		return nil
	}
	hello := kmsg.NewPtrSASLHandshakeRequest()
	hello.Version, hello.Mechanism = 1, "PLAIN"
	if _, err := w.roundTrip(hello); err != nil {
		w.hangUp()
		return err
	}
	login := kmsg.NewPtrSASLAuthenticateRequest()
	login.SASLAuthBytes = []byte("\x00" + r.own.Name + "\x00" + r.own.Password)
	resp, err := w.roundTrip(login)
	if err == nil {
		err = kerr.ErrorForCode(resp.(*kmsg.SASLAuthenticateResponse).ErrorCode)
	}
	if err != nil {
		w.hangUp()
	}
	return err
}

func (w *wire) roundTrip(req kmsg.Request) (kmsg.Response, error) {
	w.corr++
	w.conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := w.conn.Write(w.format.AppendRequest(nil, req, w.corr)); err != nil {
		return nil, err
	}
	var size [4]byte
	if _, err := io.ReadFull(w.conn, size[:]); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(size[:]))
	if _, err := io.ReadFull(w.conn, body); err != nil {
		return nil, err
	}
	resp := req.ResponseKind()
	return resp, readAnswer(body, resp)
}

func (w *wire) hangUp() {
	if w.conn != nil {
		w.conn.Close()
		w.conn = nil
	}
}

func (w *wire) close() {
	w.turn <- struct{}{}
	w.hangUp()
	<-w.turn
}

// readAnswer decodes a frame without its size.
func readAnswer(body []byte, resp kmsg.Response) error {
	b := kbin.Reader{Src: body}
	b.Int32() // correlation id
	if resp.IsFlexible() && resp.Key() != int16(kmsg.ApiVersions) {
		kmsg.SkipTags(&b)
	}
	if err := b.Complete(); err != nil {
		return fmt.Errorf("answer header: %w", err)
	}
	return resp.ReadFrom(b.Src)
}

// writeAnswer is readAnswer's inverse: a whole frame with the correlation id of the one that it replaces.
func writeAnswer(was []byte, resp kmsg.Response) []byte {
	frame := append([]byte(nil), was[:8]...)
	if resp.IsFlexible() && resp.Key() != int16(kmsg.ApiVersions) {
		frame = append(frame, 0)
	}
	frame = resp.AppendTo(frame)
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	return frame
}
