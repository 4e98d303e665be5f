package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"
)

// Options of a Server. Source is required.
type Options struct {
	Source  Source
	Metrics http.Handler // nil: /metrics is not found
	Version string
	Logger  *zap.Logger
	Now     func() time.Time
	// Timeout bounds one answer. 0: 15 s.
	Timeout time.Duration
	// Profiles serves /debug/pprof, too. Only for a Server on loopback: Listen refuses it elsewhere.
	Profiles bool
}

// Server answers HTTP.
type Server struct {
	opt      Options
	listener net.Listener
}

// Listen takes the address, so that a wrong or busy one is an error at once. Serve answers.
func Listen(address string, o Options) (*Server, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("http %s: %w. Try: another address for http, or is a leftoff running already?", address, cause(err))
	}
	if o.Profiles && !onLoopback(l) {
		l.Close()
		return nil, fmt.Errorf("http %s: profiles are for this machine only. Try: http on 127.0.0.1, or no --pprof", address)
	}
	return &Server{opt: o.withDefaults(), listener: l}, nil
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Second
	}
	return o
}

// cause is what went wrong with an address, without the address.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// Addr is where it listens: host:port, with the real port where 0 was asked for.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Serve answers until ctx ends, then lets answers under way finish.
func (s *Server) Serve(ctx context.Context) error {
	server := &http.Server{
		Handler: s.guarded(s.handler()), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: s.opt.Timeout + 10*time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: zap.NewStdLog(s.opt.Logger.Named("http")),
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(s.listener) }()
	select {
	case err := <-done:
		return fmt.Errorf("http %s: %w", s.Addr(), err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		server.Close()
	}
	<-done
	return nil
}

func (s *Server) handler() http.Handler {
	if s.opt.Profiles {
		return profiled(Handler(s.opt))
	}
	return Handler(s.opt)
}

func onLoopback(l net.Listener) bool {
	tcp, ok := l.Addr().(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// guarded refuses what a browser may be tricked into sending: cross-origin requests, and on loopback names that are not
// this machine's (DNS rebinding).
func (s *Server) guarded(next http.Handler) http.Handler {
	next = http.NewCrossOriginProtection().Handler(next)
	if !onLoopback(s.listener) {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !localName(r.Host) {
			refuse(w, http.StatusForbidden, Problem{"this server answers to localhost and addresses only", "http://" + s.Addr()})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func localName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return host == "localhost" || net.ParseIP(host) != nil || len(host) > 1 && host[0] == '['
}
