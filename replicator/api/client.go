package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ErrNoDaemon: nobody listens at the address.
var ErrNoDaemon = errors.New("no leftoff is running there")

// Client asks a running daemon.
type Client struct {
	base string
	http *http.Client
}

// NewClient takes the http address of the configuration. An address that listens everywhere is asked on loopback.
func NewClient(address string) *Client {
	address = strings.TrimSuffix(strings.TrimPrefix(address, "http://"), "/") // as the daemon logs it
	if host, port, err := net.SplitHostPort(address); err == nil {
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			address = net.JoinHostPort("127.0.0.1", port)
		}
	}
	dialer := &net.Dialer{Timeout: 3 * time.Second}
	return &Client{base: "http://" + address, http: &http.Client{
		Timeout:   30 * time.Second,
		Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true},
	}}
}

// Status of all links.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	err = c.get(ctx, "/status", nil, &s)
	return s, err
}

// Groups with every partition; empty link or group means all.
func (c *Client) Groups(ctx context.Context, link, group string) (g Groups, err error) {
	err = c.get(ctx, "/groups", url.Values{"link": {link}, "group": {group}}, &g)
	return g, err
}

// Plan of what would be written now; empty link or group means all.
func (c *Client) Plan(ctx context.Context, link, group string) (p Plan, err error) {
	err = c.get(ctx, "/plan", url.Values{"link": {link}, "group": {group}}, &p)
	return p, err
}

// Translate one offset.
func (c *Client) Translate(ctx context.Context, q Query) (t Translation, err error) {
	err = c.get(ctx, "/translate", url.Values{
		"link": {q.Link}, "topic": {q.Topic}, "partition": {strconv.Itoa(int(q.Partition))},
		"offset": {strconv.FormatInt(q.Offset, 10)}, "reverse": {strconv.FormatBool(q.Reverse)},
	}, &t)
	return t, err
}

// Reclaim gives a group back to leftoff.
func (c *Client) Reclaim(ctx context.Context, q Reclaim) (r Reclaimed, err error) {
	body, err := json.Marshal(q)
	if err != nil {
		return r, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/reclaim", bytes.NewReader(body))
	if err != nil {
		return r, err
	}
	request.Header.Set("Content-Type", "application/json")
	err = c.do(request, &r)
	return r, err
}

// Alive says whether the daemon's process answers.
func (c *Client) Alive(ctx context.Context) error {
	return c.get(ctx, "/healthz", nil, &struct{}{})
}

// Ready says whether every link has caught up.
func (c *Client) Ready(ctx context.Context) (r Readiness, err error) {
	err = c.get(ctx, "/readyz", nil, &r)
	return r, err
}

func (c *Client) get(ctx context.Context, path string, q url.Values, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path+"?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	return c.do(request, into)
}

func (c *Client) do(request *http.Request, into any) error {
	answer, err := c.http.Do(request)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%s: %w", c.base, ErrNoDaemon)
	case hungUp(err):
		return ended(request)
	case err != nil:
		return fmt.Errorf("ask the daemon: %w", err)
	}
	defer answer.Body.Close()
	if _, readiness := into.(*Readiness); answer.StatusCode/100 != 2 && !(readiness && answer.StatusCode == http.StatusServiceUnavailable) {
		return problemOf(answer)
	}
	body, err := io.ReadAll(answer.Body)
	switch {
	case hungUp(err):
		return ended(request)
	case err != nil:
		return fmt.Errorf("ask the daemon: %w", err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%s does not answer like leftoff: %w. Try: is another program listening there?", c.base, err)
	}
	return nil
}

// hungUp says that nobody is at the other end of a connection any more.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// ended is for a daemon that was killed while it was asked. What it was to change it has done, or not: every command may be given again.
func ended(request *http.Request) error {
	again := "start it again, and give the same command"
	if request.Method != http.MethodGet {
		again += ": it goes on where it stopped"
	}
	return fmt.Errorf("the daemon ended while it was asked. Try: %s", again)
}

// Refusal is an answer of the daemon that is not 2xx.
type Refusal struct {
	Status int
	Problem
}

func (r *Refusal) Error() string {
	if r.Hint == "" {
		return r.Message
	}
	return r.Message + ". Try: " + r.Hint
}

func problemOf(answer *http.Response) error {
	r := &Refusal{Status: answer.StatusCode}
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
	if err != nil || json.Unmarshal(body, &r.Problem) != nil || r.Message == "" {
		r.Problem = Problem{"the daemon answered " + answer.Status, "is another program listening there?"}
	}
	return r
}
