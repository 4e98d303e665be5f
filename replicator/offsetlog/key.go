package offsetlog

// Kind sorts the record types by what they tell leftoff.
type Kind uint8

const (
	// Unknown: a type this program was not told about. Kafka's own loader warns and skips it; count it.
	Unknown Kind = iota
	// Known: a type of Kafka's that says nothing about offsets or membership. Only Type is set.
	Known
	// Commit: an offset commit; Group, Topic, Partition are set.
	Commit
	// Group: the record of a group; its tombstone means the group is gone, or was converted. It never deletes offsets.
	Group
	// Member: the record of one member of a KIP-848, share or streams group; its tombstone means that it left.
	Member
)

// Protocol is the kind of group that a Group or Member record belongs to.
type Protocol uint8

const (
	None     Protocol = iota
	Classic           // members are in the group's own value
	Consumer          // KIP-848
	Share             // KIP-932
	Streams           // KIP-1071
)

// Key is a decoded record key. The slices alias the input.
type Key struct {
	Type      int16
	Kind      Kind
	Protocol  Protocol
	Partition int32
	Group     []byte
	Topic     []byte
	Member    []byte
}

// types lists the record types of Kafka 4.x (facts: coordinator record schemas; 9 existed in the 4.0 preview only).
// Before 4.0 the same int16 was called the key's version: 0 and 1 were offsets, 2 the group.
var types = [...]struct {
	kind     Kind
	protocol Protocol
}{
	0:  {Commit, None},
	1:  {Commit, None},
	2:  {Group, Classic},
	3:  {Group, Consumer},
	4:  {Known, Consumer}, // partition metadata, deprecated
	5:  {Member, Consumer},
	6:  {Known, Consumer}, // target assignment
	7:  {Known, Consumer}, // target assignment of a member
	8:  {Known, Consumer}, // current assignment of a member
	9:  {Known, Share},    // 4.0 preview
	10: {Member, Share},
	11: {Group, Share},
	12: {Known, Share},
	13: {Known, Share},
	14: {Known, Share},
	15: {Known, Share},
	16: {Known, Consumer}, // regular expression
	17: {Group, Streams},
	18: {},
	19: {Member, Streams},
	20: {Known, Streams},
	21: {Known, Streams},
	22: {Known, Streams},
	23: {Known, Streams}, // topology
}

// ParseKey decodes a record key. A type that is not known is no error: its Kind is Unknown.
func ParseKey(b []byte) (Key, error) {
	r := reader{b: b}
	k := Key{Type: r.int16()}
	if r.bad {
		return Key{}, ErrMalformed
	}
	if k.Type < 0 || int(k.Type) >= len(types) {
		return k, nil
	}
	k.Kind, k.Protocol = types[k.Type].kind, types[k.Type].protocol
	switch k.Kind {
	case Commit:
		k.Group, k.Topic, k.Partition = r.str(false), r.str(false), r.int32()
	case Group:
		k.Group = r.str(false)
	case Member:
		k.Group, k.Member = r.str(false), r.str(false)
	}
	if r.bad {
		return Key{}, ErrMalformed
	}
	return k, nil
}
