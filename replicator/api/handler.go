package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator"
)

// Handler is the server without its listener.
func Handler(o Options) http.Handler {
	h := handler{o.withDefaults()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", h.answers(h.status))
	mux.HandleFunc("GET /groups", h.answers(h.groups))
	mux.HandleFunc("GET /plan", h.answers(h.plan))
	mux.HandleFunc("GET /translate", h.answers(h.translate))
	mux.HandleFunc("POST /reclaim", h.answers(h.reclaim))
	slow := h
	slow.opt.Timeout = failoverWithin
	mux.HandleFunc("POST /failover", slow.answers(slow.failover))
	mux.HandleFunc("GET /readyz", h.answers(h.ready))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, map[string]bool{"alive": true}) })
	mux.HandleFunc("GET /{$}", page)
	if o.Metrics != nil {
		mux.Handle("GET /metrics", o.Metrics)
	}
	return mux
}

type handler struct{ opt Options }

// answer is a body, or an error.
type answer func(r *http.Request) (any, error)

// answers bounds an answer's time and turns errors into Problems.
func (h handler) answers(f answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		// The server's own limits are for answers that take no longer than most; the end of the one on reading would end r's context, too.
		until, c := time.Now().Add(h.opt.Timeout+10*time.Second), http.NewResponseController(w)
		_ = errors.Join(c.SetReadDeadline(until), c.SetWriteDeadline(until)) // not over a connection: in tests
		ctx, cancel := context.WithTimeout(r.Context(), h.opt.Timeout)
		defer cancel()
		body, err := f(r.WithContext(ctx))
		if err != nil {
			message, hint := SplitHint(err.Error())
			code := statusOf(err)
			if code == http.StatusInternalServerError {
				h.opt.Logger.Warn("request", zap.String("path", r.URL.Path), zap.Error(err))
			}
			refuse(w, code, Problem{message, hint})
			return
		}
		code := http.StatusOK
		if r, ok := body.(Readiness); ok && !r.Ready {
			code = http.StatusServiceUnavailable
		}
		write(w, code, body)
	}
}

// badRequest is a question that can't be read.
type badRequest string

func (b badRequest) Error() string { return string(b) }

func statusOf(err error) int {
	var bad badRequest
	switch {
	case errors.As(err, &bad):
		return http.StatusBadRequest
	case errors.Is(err, ErrUnknownLink), errors.Is(err, ErrUnknownTopic), errors.Is(err, replicator.ErrUnknownGroup):
		return http.StatusNotFound
	case errors.Is(err, replicator.ErrGroupLive), errors.Is(err, replicator.ErrFilteredGroup), errors.Is(err, replicator.ErrCatchingUp),
		conflicts(err):
		return http.StatusConflict
	case errors.Is(err, ErrStarting), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

func (h handler) status(r *http.Request) (any, error) {
	all, err := h.opt.Source.Snapshots(r.Context(), true)
	if err != nil {
		return nil, err
	}
	return NewStatus(h.opt.Version, h.opt.Now(), all), nil
}

func (h handler) groups(r *http.Request) (any, error) {
	all, err := h.chosen(r)
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	return NewGroups(all, q.Get("link"), q.Get("group")), nil
}

func (h handler) plan(r *http.Request) (any, error) {
	all, err := h.chosen(r)
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	return NewPlan(h.opt.Now(), all, q.Get("link"), q.Get("group")), nil
}

// chosen takes detailed snapshots, and checks that the link asked for is one of them.
func (h handler) chosen(r *http.Request) ([]replicator.Snapshot, error) {
	all, err := h.opt.Source.Snapshots(r.Context(), true)
	if err != nil {
		return nil, err
	}
	link := r.URL.Query().Get("link")
	for i := range all {
		if link == "" || all[i].Link == link {
			return all, nil
		}
	}
	if link == "" {
		return all, nil
	}
	return nil, ErrUnknownLink
}

func (h handler) translate(r *http.Request) (any, error) {
	q, err := readQuery(r)
	if err != nil {
		return nil, err
	}
	m, err := h.opt.Source.Translate(r.Context(), q)
	if err != nil {
		return nil, err
	}
	return NewTranslation(q, m), nil
}

func readQuery(r *http.Request) (Query, error) {
	v := r.URL.Query()
	partition, err := strconv.ParseInt(v.Get("partition"), 10, 32)
	if err != nil || partition < 0 {
		return Query{}, badRequest("partition is not a number. Try: /translate?topic=orders&partition=0&offset=42")
	}
	offset, err := strconv.ParseInt(v.Get("offset"), 10, 64)
	if err != nil || offset < 0 {
		return Query{}, badRequest("offset is not a number. Try: /translate?topic=orders&partition=0&offset=42")
	}
	if v.Get("topic") == "" {
		return Query{}, badRequest("topic is missing. Try: /translate?topic=orders&partition=0&offset=42")
	}
	reverse := v.Get("reverse") == "true" || v.Get("reverse") == "1"
	return Query{v.Get("link"), v.Get("topic"), int32(partition), offset, reverse}, nil
}

func (h handler) reclaim(r *http.Request) (any, error) {
	var q Reclaim
	if err := readJSON(r, &q, `{"group": "payments", "who": "me", "why": "drill is over"}`); err != nil {
		return nil, err
	}
	if q.Group == "" {
		return nil, badRequest(`group is missing. Try: {"group": "payments"}`)
	}
	v, err := h.reclaimBy(r.Context(), q)
	if err != nil {
		return nil, err
	}
	out := Reclaimed{Link: q.Link, Group: q.Group, Verdict: v.Kind.String(), Why: v.Why}
	if at := moment(timeOf(v.At)); at != nil {
		out.At = *at
	}
	return out, nil
}

// reclaimBy tells who says so where that is kept. What the verdict says has it, too: status shows it.
func (h handler) reclaimBy(ctx context.Context, q Reclaim) (replicator.Verdict, error) {
	if by, ok := h.opt.Source.(ReclaimingBy); ok {
		return by.ReclaimBy(ctx, q.Link, q.Group, strings.TrimSpace(q.Who), reason(q))
	}
	return h.opt.Source.Reclaim(ctx, q.Link, q.Group, reason(q))
}

// readJSON reads a body; other kinds of content are refused, so that no page of another site can post it unasked.
func readJSON(r *http.Request, into any, example string) error {
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind != "application/json" {
		return badRequest("the body is not JSON. Try: Content-Type: application/json")
	}
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<20)).Decode(into); err != nil {
		return badRequest("the body can't be read. Try: " + example)
	}
	return nil
}

// reason is what the verdict will say.
func reason(q Reclaim) string {
	var parts []string
	for _, part := range []string{q.Who, q.Why} {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		return "reclaimed over HTTP"
	}
	return strings.Join(parts, ": ")
}

func (h handler) ready(r *http.Request) (any, error) {
	all, err := h.opt.Source.Snapshots(r.Context(), false)
	if err != nil {
		return nil, err
	}
	return NewReadiness(all), nil
}

func write(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(body) // the client is gone: nobody to tell
}

func refuse(w http.ResponseWriter, code int, p Problem) { write(w, code, p) }
