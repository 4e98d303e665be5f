package mm2

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// LocateOptions say whose topic is looked for. Primary, Secondary and Name are required.
type LocateOptions struct {
	Primary, Secondary Cluster
	// Name says what a topic of the primary is called on the secondary, and whether the link follows it.
	Name func(primary string) (secondary string, ok bool)
	// SyncsTopic and SyncsOn are what the configuration says: a topic's name or nothing, and primary, secondary, auto or
	// nothing.
	SyncsTopic, SyncsOn string
}

// Locate finds the link's own topics among those of several flows, by their content: which syncs name the link's topics, with
// offsets within both sides' bounds, and of which the records at both ends are the same. The error says why a cluster could not be asked.
func Locate(ctx context.Context, o LocateOptions) (Located, error) {
	s, err := newSearch(ctx, o)
	if err != nil {
		return Located{}, err
	}
	candidates, problem := s.candidates()
	out := Located{Problem: problem}
	for _, c := range candidates {
		out.All = append(out.All, s.examine(ctx, c))
	}
	slices.SortStableFunc(out.All, func(a, b Evidence) int {
		return -cmp.Or(cmp.Compare(a.Same-a.Different, b.Same-b.Different), cmp.Compare(len(a.Fits)-a.Contradicts, len(b.Fits)-b.Contradicts))
	})
	out.conclude()
	out.Checkpoints = s.checkpoints(ctx, out.Syncs)
	return out, ctx.Err()
}

// search is one Locate under way.
type search struct {
	o                    LocateOptions
	primary, secondary   map[string]kafka.TopicInfo
	found                Found
	secondaryNames       map[string]bool // of the link's topics
	primaryEnd, copiedTo map[kafka.TopicPartition]int64
}

func newSearch(ctx context.Context, o LocateOptions) (*search, error) {
	s := &search{o: o, secondaryNames: map[string]bool{}, primaryEnd: map[kafka.TopicPartition]int64{}, copiedTo: map[kafka.TopicPartition]int64{}}
	var err error
	if s.primary, err = o.Primary.Topics(ctx, nil); err != nil {
		return nil, fmt.Errorf("list the primary's topics: %w", err)
	}
	if s.secondary, err = o.Secondary.Topics(ctx, nil); err != nil {
		return nil, fmt.Errorf("list the secondary's topics: %w", err)
	}
	s.found = FindIn(s.primary, s.secondary)
	for topic := range s.primary {
		if name, ok := o.Name(topic); ok {
			s.secondaryNames[name] = true
		}
	}
	return s, nil
}

// candidates are what the configuration names, or else all.
func (s *search) candidates() (all []Candidate, problem string) {
	on := func(side replicator.Side) bool {
		return s.o.SyncsOn == "" || s.o.SyncsOn == "auto" || s.o.SyncsOn == side.String()
	}
	if s.o.SyncsTopic == "" {
		return slices.DeleteFunc(slices.Clone(s.found.Syncs), func(c Candidate) bool { return !on(c.On) }), ""
	}
	for side, topics := range map[replicator.Side]map[string]kafka.TopicInfo{replicator.Primary: s.primary, replicator.Secondary: s.secondary} {
		if _, ok := topics[s.o.SyncsTopic]; ok && on(side) {
			all = append(all, Candidate{s.o.SyncsTopic, side, ParseName(s.o.SyncsTopic)})
		}
	}
	slices.SortFunc(all, func(a, b Candidate) int { return int(a.On) - int(b.On) })
	if len(all) == 0 {
		problem = fmt.Sprintf("there is no topic %s on %s. Try: leftoff detect", s.o.SyncsTopic, cmp.Or(map[string]string{"primary": "the primary", "secondary": "the secondary"}[s.o.SyncsOn], "either side"))
	}
	return all, problem
}

func (s *search) cluster(side replicator.Side) Cluster {
	if side == replicator.Secondary {
		return s.o.Secondary
	}
	return s.o.Primary
}

func (s *search) examine(ctx context.Context, c Candidate) Evidence {
	e := Evidence{Candidate: c}
	got, err := sampleSyncs(ctx, s.cluster(c.On), c.Topic)
	e.Records, e.Malformed, e.Err = got.records, got.malformed, err
	if err != nil || !got.believable() {
		return e
	}
	var ours []Sync
	for at, sync := range got.newest {
		if name, ok := s.o.Name(at.Topic); ok && has(s.primary, at.Topic, at.Partition) && has(s.secondary, name, at.Partition) {
			ours = append(ours, sync)
		}
	}
	slices.SortFunc(ours, func(a, b Sync) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	if e.Err = s.ends(ctx, ours); e.Err != nil {
		return e
	}
	for _, sync := range ours {
		if sync.Upstream < s.primaryEnd[s.original(sync)] && sync.Downstream < s.copiedTo[s.copied(sync)] {
			e.Fits = append(e.Fits, sync)
		} else {
			e.Contradicts++
		}
	}
	e.Err = s.compare(ctx, &e)
	return e
}

func has(topics map[string]kafka.TopicInfo, name string, partition int32) bool {
	t, ok := topics[name]
	return ok && t.Err == nil && int(partition) < len(t.Partitions)
}

func (s *search) original(sync Sync) kafka.TopicPartition {
	return kafka.TopicPartition{Topic: sync.Topic, Partition: sync.Partition}
}

func (s *search) copied(sync Sync) kafka.TopicPartition {
	name, _ := s.o.Name(sync.Topic)
	return kafka.TopicPartition{Topic: name, Partition: sync.Partition}
}

// ends asks for the ends of the partitions that syncs name, where they are not known yet. A partition without an answer has
// no end, and contradicts.
func (s *search) ends(ctx context.Context, syncs []Sync) error {
	var originals, copies []kafka.TopicPartition
	for _, sync := range syncs {
		if _, known := s.primaryEnd[s.original(sync)]; !known {
			originals, copies = append(originals, s.original(sync)), append(copies, s.copied(sync))
		}
	}
	if err := listEnds(ctx, s.o.Primary, originals, s.primaryEnd); err != nil {
		return fmt.Errorf("ends of the primary: %w", err)
	}
	if err := listEnds(ctx, s.o.Secondary, copies, s.copiedTo); err != nil {
		return fmt.Errorf("ends of the secondary: %w", err)
	}
	return nil
}

func listEnds(ctx context.Context, c Cluster, tps []kafka.TopicPartition, into map[kafka.TopicPartition]int64) error {
	if len(tps) == 0 {
		return nil
	}
	all, err := c.ListOffsets(ctx, kafka.Latest, tps)
	for tp, r := range all {
		if r.Err == nil {
			into[tp] = r.Offset
		}
	}
	return err
}

// comparisons of records a candidate.
const comparisons = 5

// compare fetches the records of some syncs on both sides.
func (s *search) compare(ctx context.Context, e *Evidence) error {
	step := max(1, len(e.Fits)/comparisons)
	for i := 0; i < len(e.Fits) && e.Same+e.Different < comparisons; i += step {
		sync := e.Fits[i]
		a, err := recordAt(ctx, s.o.Primary, s.original(sync), sync.Upstream)
		if err != nil {
			return err
		}
		b, err := recordAt(ctx, s.o.Secondary, s.copied(sync), sync.Downstream)
		if err != nil {
			return err
		}
		switch {
		case a == nil || b == nil: // deleted or compacted away: says nothing
		case alike(a, b):
			e.Same++
		default:
			e.Different++
		}
	}
	return nil
}

// recordAt is nil where there is no record at the offset.
func recordAt(ctx context.Context, c Cluster, tp kafka.TopicPartition, at int64) (*kafka.Record, error) {
	got, err := c.FetchOne(ctx, tp, at, 1)
	if err != nil {
		if kafka.Classify(err) == kafka.OutOfRange {
			return nil, nil
		}
		return nil, fmt.Errorf("read %s: %w", tp, err)
	}
	for i := range got.Batches {
		for j := range got.Batches[i].Records {
			if r := &got.Batches[i].Records[j]; r.Offset == at && !got.Batches[i].Control {
				return r, nil
			}
		}
	}
	return nil, nil
}

// alike is lenient: the secondary may append with a time of its own, and a mirror may transform values.
func alike(a, b *kafka.Record) bool {
	return a.Timestamp == b.Timestamp || bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Value, b.Value)
}

// checkpoints picks the checkpoints topic that names most of the link's topics, the one whose alias the syncs have before
// others.
func (s *search) checkpoints(ctx context.Context, syncs *Evidence) string {
	best, most := "", 0
	for _, c := range s.found.Checkpoints {
		got, err := sampleCheckpoints(ctx, s.o.Secondary, c.Topic)
		if err != nil || !got.believable() {
			continue
		}
		n := 0
		for k := range got.newest {
			if s.secondaryNames[k.Topic] && has(s.secondary, k.Topic, k.Partition) {
				n++
			}
		}
		if n > 0 && syncs != nil && syncs.On == replicator.Secondary && syncs.Alias == c.Alias {
			return c.Topic
		}
		if n > most {
			best, most = c.Topic, n
		}
	}
	return best
}
