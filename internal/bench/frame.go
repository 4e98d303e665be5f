package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Options say how to run measures.
type Options struct {
	Runs     int
	Short    bool
	Out      string    // folder of benchmarks.md and benchmarks.json; empty: nothing is written
	Progress io.Writer // the progress line, and why a measure failed
	Terminal bool      // Progress is one
	Tables   io.Writer // each result, as soon as it is there
	Verbose  bool      // the logs of measures that did not fail, too
	All      []Measure // in the page's order; nil: Measures()

	grace time.Duration // 0: the default
}

// Execute runs the measures one after the other. Each result is written as soon as it is there, so that an interrupt costs only
// the measure it hits. A measure that fails does not keep the others from running; the error names all that did.
func Execute(ctx context.Context, measures []Measure, o Options) error {
	if o.Runs < 1 {
		return fmt.Errorf("--runs %d: at the least one", o.Runs)
	}
	if o.grace == 0 {
		o.grace = grace
	}
	x := &execution{Options: o, line: &progress{out: o.Progress, terminal: o.Terminal}, machine: thisMachine(), versions: theseVersions(ctx)}
	all := o.All
	if all == nil {
		all = Measures()
	}
	for _, m := range all {
		x.order = append(x.order, m.Name)
	}
	var failed []string
	for _, m := range measures {
		if ctx.Err() != nil {
			break
		}
		if err := x.one(ctx, m); err != nil {
			failed = append(failed, err.Error())
		}
	}
	if ctx.Err() != nil {
		return errors.New("interrupted; what was measured before is kept")
	}
	if len(failed) > 0 {
		return errors.New(strings.Join(failed, "\n"))
	}
	return nil
}

type execution struct {
	Options
	line     *progress
	machine  Machine
	versions Versions
	order    []string
}

func (x *execution) one(ctx context.Context, m Measure) error {
	load := loadBefore()
	began := time.Now()
	var result Result
	finished := false
	x.line.begin(m.Name)
	g := within(ctx, m.Name, x.grace, func(g *ground) {
		result = m.Run(&Run{TB: g, Context: g.ctx, Short: x.Short, Runs: x.Runs, Say: x.line.say})
		finished = true
	})
	switch {
	case g.why() != "":
		x.line.end("skipped: %s", g.why())
		return nil
	case ctx.Err() != nil:
		x.line.end("interrupted")
		return ctx.Err()
	case g.Failed() || !finished:
		x.line.end("failed")
		fmt.Fprintf(x.Progress, "%s\n", strings.Join(g.told(60), "\n"))
		return fmt.Errorf("%s: failed", m.Name)
	}
	x.line.end("done")
	if x.Verbose {
		fmt.Fprintf(x.Progress, "%s\n", strings.Join(g.told(1000), "\n"))
	}
	return x.keep(Entry{
		Name: m.Name, Short: m.Short, At: began.UTC().Truncate(time.Second), Seconds: time.Since(began).Round(time.Second).Seconds(),
		Runs: x.Runs, Smoke: x.Short, Machine: x.machine, Load: load, Versions: x.versions, Result: result,
	})
}

// keep prints the result and puts it into the book. The book is read anew: another bench may have written it meanwhile.
func (x *execution) keep(e Entry) error {
	for i := range e.Result.Rows {
		e.Result.Rows[i].tidy()
	}
	if x.Tables != nil {
		var p page
		p.entry(e, true)
		fmt.Fprintln(x.Tables, p.String())
	}
	if x.Out == "" {
		return nil
	}
	b, err := readBook(x.Out)
	if err != nil {
		return err
	}
	b.put(e, x.order)
	return b.write(x.Out)
}
