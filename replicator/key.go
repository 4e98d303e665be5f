package replicator

// Side names one of the two clusters of a link.
type Side uint8

const (
	Primary Side = iota
	Secondary
)

func (s Side) String() string {
	if s == Primary {
		return "primary"
	}
	return "secondary"
}

// Key identifies a committed offset. Topic is the primary's name, on both sides.
type Key struct {
	Group     string
	Topic     string
	Partition int32
}

// Order places a record of `__consumer_offsets`: the leader epoch of its batch, then its offset. Records of one group live
// in one partition of that topic, so Order is total per group: a replayed record is never newer, a record after an
// unclean election always is.
type Order struct {
	Epoch  int32
	Offset int64
}

// Less reports whether o was written before p.
func (o Order) Less(p Order) bool {
	if o.Epoch != p.Epoch {
		return o.Epoch < p.Epoch
	}
	return o.Offset < p.Offset
}

// beforeAll is the Order of nothing: the first record of a log stands at (0, 0), and is newer.
var beforeAll = Order{Epoch: -1, Offset: -1}
