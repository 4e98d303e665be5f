package api

import (
	"net/http"
	"net/http/pprof"
)

// profiled serves net/http/pprof below /debug/pprof/, and everything else as before. What is in memory can be read from there,
// and asking costs CPU: who turns it on keeps the listener on loopback.
func profiled(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", next)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}
