package bench

import (
	"slices"
	"time"
)

// spread is one run's distribution, in milliseconds.
type spread struct{ p50, p90, p99, max float64 }

func spreadOf(all []time.Duration) spread {
	slices.Sort(all)
	at := func(q float64) float64 { return milliseconds(quantile(all, q)) }
	return spread{at(0.50), at(0.90), at(0.99), at(1)}
}

// spreads are several runs'.
type spreads []spread

func (s spreads) pick(f func(spread) float64) (v []float64) {
	for _, x := range s {
		v = append(v, f(x))
	}
	return v
}

func (s spreads) p50() []float64 { return s.pick(func(x spread) float64 { return x.p50 }) }
func (s spreads) p99() []float64 { return s.pick(func(x spread) float64 { return x.p99 }) }

// rows are p50, p90, p99 and max of what; bare are the floor's, or nil.
func (s spreads) rows(what string, bare spreads) []Row {
	row := func(name string, f func(spread) float64) Row {
		x := Row{What: what + ", " + name, Unit: "ms", Values: s.pick(f)}
		if len(bare) > 0 {
			x.Floor = middle(bare.pick(f))
		}
		return x
	}
	return []Row{
		row("p50", func(x spread) float64 { return x.p50 }),
		row("p90", func(x spread) float64 { return x.p90 }),
		row("p99", func(x spread) float64 { return x.p99 }),
		row("max", func(x spread) float64 { return x.max }),
	}
}
