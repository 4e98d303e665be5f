package failover

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// Target is what a replay needs of the secondary.
type Target interface {
	InitProducer(ctx context.Context) (kafka.ProducerID, error)
	NewProducer(o kafka.ProducerOptions) *kafka.Producer
	FetchOne(ctx context.Context, tp kafka.TopicPartition, offset int64, maxBytes int32) (kafka.Fetched, error)
	ListOffsets(ctx context.Context, at kafka.When, tps []kafka.TopicPartition) (map[kafka.TopicPartition]kafka.OffsetResult, error)
	Topics(ctx context.Context, names []string) (map[string]kafka.TopicInfo, error)
}

// Origin is what it needs of the primary.
type Origin interface {
	Reader
	Topics(ctx context.Context, names []string) (map[string]kafka.TopicInfo, error)
}

// Replayer produces what the secondary never got to it, once, however often it is killed.
type Replayer struct {
	Store *Store
	ID    string // of the way home
	Who   string
	From  Origin
	To    Target
	There func(topic string) string // what a topic is called on the secondary
}

// Bounds of a replay's batches, and of what is kept of where its records are: some 30 bytes each in the log.
const (
	replayRecords = 500
	replayBytes   = 512 << 10
	maxPlaces     = 50_000
)

var (
	// ErrScattered: of a replay more would have to be kept than fits the log.
	ErrScattered = errors.New("between these records lie too many markers or holes to keep where each of them goes. Try: --export, and produce what is needed from the file " +
		"once everything is home; nothing was produced")
	// ErrChanged: what an earlier replay produced can't be told any more.
	ErrChanged = errors.New("what an earlier --replay produced is not what the primary has there now: its log was compacted or cut since. " +
		"Try: --export or --discard; what was produced will be on the primary twice")
)

// Replay produces the records to the secondary, into the partitions of the same numbers, behind what is there. Those that an earlier run has
// produced, to its end or not, are not produced again; and where all of them are is in the log when it returns.
func (r Replayer) Replay(ctx context.Context, all []Unmirrored) error {
	k, err := r.Store.Load(ctx)
	if err != nil {
		return err
	}
	for _, earlier := range k.Replays(r.ID) {
		if err := r.end(ctx, earlier, true); err != nil {
			return err
		}
		all = Beyond(all, earlier.found())
	}
	if len(all) == 0 {
		return nil
	}
	begun, err := r.begin(ctx, all)
	if err != nil {
		return err
	}
	return r.end(ctx, *begun, true)
}

// Settle writes down what replays that were broken off have produced, and produces nothing more.
func (r Replayer) Settle(ctx context.Context) error {
	k, err := r.Store.Load(ctx)
	if err != nil {
		return err
	}
	for _, earlier := range k.Replays(r.ID) {
		if err := r.end(ctx, earlier, false); err != nil {
			return err
		}
	}
	return nil
}

// begin writes down what is about to be produced, and makes sure that nobody else was about to.
func (r Replayer) begin(ctx context.Context, all []Unmirrored) (*Replayed, error) {
	spans, err := CountDivergence(ctx, r.From, all)
	if err != nil {
		return nil, err
	}
	pieces := 0
	for _, s := range spans {
		pieces += s.pieces + s.Records/replayRecords
	}
	if pieces > maxPlaces {
		return nil, ErrScattered
	}
	producer, err := r.To.InitProducer(ctx)
	if err != nil {
		return nil, err
	}
	begun := newReplay(r.ID, producer, all, r.There)
	var tps []kafka.TopicPartition
	for i := range begun.Parts {
		tps = append(tps, begun.Parts[i].on())
	}
	if err := r.identify(ctx, begun); err != nil {
		return nil, err
	}
	ends, err := r.To.ListOffsets(ctx, kafka.Latest, tps)
	if err != nil {
		return nil, err
	}
	for i := range begun.Parts {
		p := &begun.Parts[i]
		if err := ends[p.on()].Err; err != nil {
			return nil, fmt.Errorf("%s: %w", p.on(), err)
		}
		p.Since = ends[p.on()].Offset
	}
	if err := r.Store.setReplayed(ctx, r.Who, "replay, on the way home "+r.ID, begun); err != nil {
		return nil, err
	}
	k, err := r.Store.Load(ctx)
	if err != nil {
		return nil, err
	}
	for _, counts := range k.Replays(r.ID) {
		if counts.Producer == producer {
			return begun, nil
		}
	}
	return nil, fmt.Errorf("%w: a replay of the same records was begun at the same time, and nothing was produced here. Try: the same command again", ErrOvertaken)
}

// identify notes the ids of the topics on both sides, and is an error where they are others than were noted.
func (r Replayer) identify(ctx context.Context, of *Replayed) error {
	for i := range of.Parts {
		p := &of.Parts[i]
		if i > 0 && of.Parts[i-1].Topic == p.Topic {
			p.TopicID, p.ThereID = of.Parts[i-1].TopicID, of.Parts[i-1].ThereID
			continue
		}
		for _, side := range []struct {
			ask  func(context.Context, []string) (map[string]kafka.TopicInfo, error)
			name string
			id   *string
		}{{r.From.Topics, p.Topic, &p.TopicID}, {r.To.Topics, p.There, &p.ThereID}} {
			info, err := topicOf(ctx, side.ask, side.name)
			if err != nil {
				return err
			}
			id := hex.EncodeToString(info.ID[:])
			if *side.id != "" && *side.id != id {
				return fmt.Errorf("topic %s was made anew since: %w", side.name, ErrChanged)
			}
			*side.id = id
		}
	}
	return nil
}

func topicOf(ctx context.Context, ask func(context.Context, []string) (map[string]kafka.TopicInfo, error), name string) (kafka.TopicInfo, error) {
	infos, err := ask(ctx, []string{name})
	if err != nil {
		return kafka.TopicInfo{}, err
	}
	info, ok := infos[name]
	if err := info.Err; err != nil || !ok {
		return info, fmt.Errorf("topic %s: %w", name, cmp.Or(err, kafka.ErrUnknownTopic))
	}
	return info, nil
}

func (p *ReplayedPart) on() kafka.TopicPartition {
	return kafka.TopicPartition{Topic: p.There, Partition: p.Partition}
}

// end finds out what of a replay is on the secondary, produces the rest where that is wanted, and writes down where it all is.
func (r Replayer) end(ctx context.Context, of Replayed, produce bool) error {
	if of.Placed {
		return nil
	}
	of.Parts = slices.Clone(of.Parts)
	if err := r.identify(ctx, &of); err != nil {
		return err
	}
	out := r.To.NewProducer(kafka.ProducerOptions{})
	defer out.Close()
	parts := make([]ReplayedPart, len(of.Parts))
	for i, p := range of.Parts {
		one := partReplay{Replayer: r, producer: of.Producer, out: out, part: &p}
		if err := one.run(ctx, produce); err != nil {
			return fmt.Errorf("replay to %s: %w", p.on(), err)
		}
		if !produce {
			p.breakOff()
		}
		parts[i] = p
	}
	of.Parts, of.Placed = parts, true
	return r.Store.setReplayed(ctx, r.Who, "replayed, on the way home "+r.ID, &of)
}

// partReplay is a replay of one partition. Its records are numbered as they are read, which is as the sequences of its batches are.
type partReplay struct {
	Replayer
	producer kafka.ProducerID
	out      *kafka.Producer
	part     *ReplayedPart

	landed []landed         // by number
	at     int              // of landed, as records are read
	prints map[int64]uint64 // by number
	past   int64            // the number after the last that landed

	batch []kafka.Record
	bytes int
	first int64 // number of the batch's first
}

// landed are records of an earlier run on the secondary: from number, at offset.
type landed struct{ number, offset, records int64 }

func (p *partReplay) run(ctx context.Context, produce bool) error {
	if err := p.look(ctx); err != nil {
		return err
	}
	number, enough := int64(0), errors.New("enough")
	for _, d := range p.part.found() {
		if !produce && number >= p.past {
			break
		}
		_, err := ReadDivergence(ctx, p.From, d, func(rec kafka.Record) error {
			n := number
			number++
			switch {
			case n < p.past:
				return p.known(n, &rec)
			case !produce:
				return enough
			}
			return p.add(ctx, n, rec)
		})
		if err != nil && !errors.Is(err, enough) {
			return err
		}
	}
	if number < p.past {
		return ErrChanged
	}
	return p.flush(ctx)
}

// look finds what the producer of an earlier run has written.
func (p *partReplay) look(ctx context.Context) error {
	ends, err := p.To.ListOffsets(ctx, kafka.Latest, []kafka.TopicPartition{p.part.on()})
	if err == nil {
		err = ends[p.part.on()].Err
	}
	if err != nil {
		return err
	}
	starts, err := p.To.ListOffsets(ctx, kafka.Earliest, []kafka.TopicPartition{p.part.on()})
	if err == nil {
		err = starts[p.part.on()].Err
	}
	if err != nil {
		return err
	}
	p.prints = map[int64]uint64{}
	end := ends[p.part.on()].Offset
	for at := max(p.part.Since, starts[p.part.on()].Offset); at < end; {
		got, err := p.To.FetchOne(ctx, p.part.on(), at, divergenceBytes)
		if err != nil {
			return err
		}
		for i := range got.Batches {
			if b := &got.Batches[i]; b.ProducerID == p.producer.ID && b.BaseOffset >= p.part.Since {
				p.take(b)
			}
		}
		if got.Next <= at {
			return fmt.Errorf("nothing more at offset %d, and it should go on to %d", at, end)
		}
		at = got.Next
	}
	return nil
}

func (p *partReplay) take(b *kafka.Batch) {
	l := landed{number: int64(b.FirstSequence), offset: b.BaseOffset, records: b.LastOffset - b.BaseOffset + 1}
	p.landed = append(p.landed, l)
	p.past = max(p.past, l.number+l.records)
	for i := range b.Records {
		p.prints[l.number+b.Records[i].Offset-b.BaseOffset] = contentOf(&b.Records[i])
	}
}

// known notes where a record is that an earlier run produced. One that the secondary has deleted since is nowhere.
func (p *partReplay) known(n int64, r *kafka.Record) error {
	for p.at < len(p.landed) && n >= p.landed[p.at].number+p.landed[p.at].records {
		p.at++
	}
	if p.at == len(p.landed) || n < p.landed[p.at].number {
		return nil
	}
	if print, there := p.prints[n]; there && print != contentOf(r) {
		return ErrChanged
	}
	p.part.place(p.landed[p.at].offset+n-p.landed[p.at].number, r.Offset)
	return nil
}

func (p *partReplay) add(ctx context.Context, n int64, r kafka.Record) error {
	if len(p.batch) == replayRecords || len(p.batch) > 0 && p.bytes+r.Size() > replayBytes {
		if err := p.flush(ctx); err != nil {
			return err
		}
	}
	if len(p.batch) == 0 {
		p.first = n
	}
	p.batch, p.bytes = append(p.batch, r), p.bytes+r.Size()
	return nil
}

// flush produces a batch. The broker knows one again that is on its way there from a run that was killed: it has the same sequences.
func (p *partReplay) flush(ctx context.Context) error {
	if len(p.batch) == 0 {
		return nil
	}
	offsets := make([]int64, len(p.batch))
	for i := range p.batch {
		offsets[i] = p.batch[i].Offset
	}
	base, err := deliver(ctx, p.out, p.part.on(), kafka.ProduceBatch{ProducerID: p.producer, FirstSequence: int32(p.first), Records: p.batch})
	if err != nil {
		return err
	}
	for i, offset := range offsets {
		p.part.place(base+int64(i), offset)
	}
	p.batch, p.bytes = nil, 0
	return nil
}

// deliver is send that says where the batch is.
func deliver(ctx context.Context, out *kafka.Producer, tp kafka.TopicPartition, b kafka.ProduceBatch) (base int64, err error) {
	for {
		done := make(chan kafka.ProduceResult, 1)
		out.Produce(tp, b, func(r kafka.ProduceResult) { done <- r })
		select {
		case r := <-done:
			switch {
			case r.Err == nil && r.BaseOffset < 0:
				return 0, fmt.Errorf("%s: the secondary does not say where it has a batch. Try: the same command again", tp)
			case r.Err == nil:
				return r.BaseOffset, nil
			case !kafka.Classify(r.Err).Temporary():
				return 0, r.Err
			}
			if err := pause(ctx); err != nil {
				return 0, errors.Join(err, r.Err)
			}
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

var contentSeed = maphash.MakeSeed()

// contentOf is what no cluster changes of a record: key and value.
func contentOf(r *kafka.Record) uint64 {
	var h maphash.Hash
	h.SetSeed(contentSeed)
	for _, field := range [][]byte{r.Key, r.Value} {
		maphash.WriteComparable(&h, len(field)+1)
		if field == nil {
			maphash.WriteComparable(&h, 0)
		}
		h.Write(field)
	}
	return h.Sum64()
}
