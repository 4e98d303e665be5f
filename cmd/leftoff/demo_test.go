package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/leftoff/leftoff/internal/story"
)

func TestDemoExitStatus(t *testing.T) {
	for _, c := range []struct {
		what   string
		report *story.Report
		err    error
		status int
	}{
		{"proven", &story.Report{Proven: true}, nil, 0},
		{"not proven", &story.Report{}, nil, 1},
		{"not played", nil, errors.New("start region west: no ports. Try: again"), 2},
	} {
		for _, output := range []string{"table", "json"} {
			var out, err bytes.Buffer
			a := &app{out: &out, err: &err, output: output}
			play := func(_ context.Context, o story.Options) (*story.Report, error) {
				if o.Seed == 0 {
					t.Error("no seed")
				}
				if c.report == nil {
					return nil, c.err
				}
				return c.report, o.Show(c.report)
			}
			if status := a.report(a.playDemo(context.Background(), story.Options{}, play)); status != c.status {
				t.Errorf("%s, %s: exit status %d, want %d", c.what, output, status, c.status)
			}
			if c.report != nil && (output == "json") != strings.HasPrefix(out.String(), "{") {
				t.Errorf("%s, %s: %s", c.what, output, out.String())
			}
			if c.err != nil && !strings.Contains(err.String(), "Try: again") {
				t.Errorf("%s: %s", c.what, err.String())
			}
		}
	}
}
