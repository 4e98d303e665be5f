package translate

import (
	"math/rand/v2"
	"testing"
)

// benchCopies are n transactions of 1 to 49 records, each with its marker on the primary, all in memory.
func benchCopies(b *testing.B, n int) *Copies {
	b.Helper()
	c, rng := New(), rand.New(rand.NewPCG(1, 2))
	primary, secondary := int64(0), int64(0)
	for range n {
		r := Run{Primary: primary, Secondary: secondary, Length: 1 + rng.Int64N(49), Closed: true}
		if err := c.Append(r); err != nil {
			b.Fatal(err)
		}
		primary, secondary = r.PrimaryEnd()+1, r.SecondaryEnd()
	}
	return c
}

// BenchmarkForward looks offsets up anywhere in 100,000 runs.
func BenchmarkForward(b *testing.B) {
	c := benchCopies(b, 100_000)
	end, _ := c.End()
	bounds, rng := Bounds{End: c.Tip}, rand.New(rand.NewPCG(3, 4))
	b.ReportAllocs()
	for b.Loop() {
		if p, err := c.Forward(rng.Int64N(end), bounds); err != nil || p.Confidence != Exact {
			b.Fatal(p, err)
		}
	}
}

// BenchmarkReverse is the way home.
func BenchmarkReverse(b *testing.B) {
	c := benchCopies(b, 100_000)
	end, _ := c.End()
	rng := rand.New(rand.NewPCG(3, 4))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Reverse(rng.Int64N(c.Tip), Bounds{End: end}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAppend is a run at the end: alone (behind a marker), and merged with the one before.
func BenchmarkAppend(b *testing.B) {
	for _, gap := range []int64{1, 0} {
		b.Run(map[int64]string{1: "behind a marker", 0: "merged"}[gap], func(b *testing.B) {
			c, primary, secondary := New(), int64(0), int64(0)
			b.ReportAllocs()
			for b.Loop() {
				if err := c.Append(Run{Primary: primary, Secondary: secondary, Length: 10, Closed: true}); err != nil {
					b.Fatal(err)
				}
				primary, secondary = primary+10+gap, secondary+10
			}
		})
	}
}
