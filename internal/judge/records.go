package judge

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"

	"github.com/twmb/franz-go/pkg/kgo"
)

// ErrAmbiguous means that a record occurs more than once on the primary, so that its copies can't be told apart.
var ErrAmbiguous = errors.New("a record occurs more than once on the primary. Try: records with a counter in them, or Options.Repeats")

// Options of Compare. The zero value is strict.
type Options struct {
	// PrimaryUncommitted reads aborted records on the primary, too: for mirrors that copy them (MirrorMaker 2 by default).
	PrimaryUncommitted bool
	// SecondaryUncommitted does the same on the secondary. A copy counts once it is committed: only for curiosity.
	SecondaryUncommitted bool
	IgnoreTimestamp      bool // pair by key, value and headers
	IgnoreHeaders        bool // pair by key, value and timestamp: for mirrors that add headers
	Repeats              Repeats
	Unpaired             Unpaired
	// Foreign names foreign records by looking at them, whatever pairs; nil leaves it to Unpaired.
	Foreign func(*kgo.Record) bool
	// Accepted excludes foreign records below these secondary offsets: what stood there before the mirror began.
	Accepted map[int32]int64
}

// Repeats says what a record that occurs twice on the primary is.
type Repeats int

const (
	RepeatsAreErrors Repeats = iota
	// RepeatsPairInOrder pairs the n-th occurrence with the n-th copy. The numbers must agree.
	RepeatsPairInOrder
)

// Unpaired says what a record of the secondary is that no primary record equals.
type Unpaired int

const (
	UnpairedIsForeign Unpaired = iota
	// UnpairedIsGone takes it for the copy of a record that the primary has dropped since (retention, compaction).
	UnpairedIsGone
)

// Compare reads primaryTopic on the primary and secondaryTopic on the secondary, everything that is readable now, and
// pairs the copies. The secondary is read up to an end taken before the primary's, so that a copy's source is always
// among what was read; records and mirror may go on meanwhile.
func Compare(ctx context.Context, primary, secondary Cluster, primaryTopic, secondaryTopic string, o Options) (*Copies, error) {
	right, err := readSide(ctx, secondary, secondaryTopic, !o.SecondaryUncommitted, o)
	if err != nil {
		return nil, fmt.Errorf("secondary: %w", err)
	}
	left, err := readSide(ctx, primary, primaryTopic, !o.PrimaryUncommitted, o)
	if err != nil {
		return nil, fmt.Errorf("primary: %w", err)
	}
	c := &Copies{Primary: primaryTopic, Secondary: secondaryTopic, partitions: make(map[int32]*copies)}
	for p, l := range left {
		r, ok := right[p]
		if !ok {
			c.Unmirrored = append(c.Unmirrored, p)
			continue
		}
		if c.partitions[p], err = pair(l, r, o, o.Accepted[p]); err != nil {
			return nil, fmt.Errorf("%s/%d: %w", primaryTopic, p, err)
		}
	}
	return c, nil
}

// side is one partition as read.
type side struct {
	bounds
	records []record
}

// record is what is kept of a record: 32 bytes, whatever it weighs.
type record struct {
	offset  int64
	print   fingerprint
	foreign bool // Options.Foreign said so
}

type fingerprint [16]byte

func readSide(ctx context.Context, c Cluster, name string, committed bool, o Options) (map[int32]*side, error) {
	cl, err := c.connect()
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	t, err := describe(ctx, cl, name)
	if err != nil {
		return nil, err
	}
	ends, err := listBounds(ctx, cl, t, committed)
	if err != nil {
		return nil, err
	}
	sides := make(map[int32]*side, len(ends))
	for p, b := range ends {
		sides[p] = &side{bounds: b}
	}
	printer := newPrinter(o)
	err = readTo(ctx, cl, t, ends, committed, func(r *kgo.Record) {
		s := sides[r.Partition]
		s.records = append(s.records, record{offset: r.Offset, print: printer.of(r), foreign: o.Foreign != nil && o.Foreign(r)})
	})
	return sides, err
}

// printer hashes what makes two records the same. Lengths are hashed, too, and −1 for null, so that neither a moved
// border between key and value nor null against empty goes unseen.
type printer struct {
	o   Options
	h   hash.Hash
	buf []byte
}

func newPrinter(o Options) *printer { return &printer{o: o, h: sha256.New()} }

func (p *printer) of(r *kgo.Record) fingerprint {
	p.h.Reset()
	p.bytes(r.Key)
	p.bytes(r.Value)
	if !p.o.IgnoreTimestamp {
		p.number(r.Timestamp.UnixMilli())
	}
	if !p.o.IgnoreHeaders {
		p.number(int64(len(r.Headers)))
		for _, h := range r.Headers {
			p.bytes([]byte(h.Key))
			p.bytes(h.Value)
		}
	}
	p.buf = p.h.Sum(p.buf[:0])
	return fingerprint(p.buf[:16])
}

func (p *printer) number(n int64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	p.h.Write(b[:])
}

func (p *printer) bytes(b []byte) {
	if b == nil {
		p.number(-1)
		return
	}
	p.number(int64(len(b)))
	p.h.Write(b)
}
