package mm2

import "strings"

// Kind is what a topic of MirrorMaker 2 holds.
type Kind uint8

const (
	// NotMM2: no name that MirrorMaker 2 gives a topic of its own.
	NotMM2 Kind = iota
	// OffsetSyncs: `mm2-offset-syncs.<alias>.internal`. On the primary the alias is the secondary's, on the secondary (where
	// offset-syncs.topic.location is target) the primary's.
	OffsetSyncs
	// CheckpointsOf: `<primary's alias>.checkpoints.internal`, on the secondary.
	CheckpointsOf
	// Heartbeats: `heartbeats`, made on every cluster that MirrorMaker 2 mirrors from.
	Heartbeats
	// MirroredHeartbeats: `<alias>.heartbeats`: the alias's cluster is mirrored to here.
	MirroredHeartbeats
	// Worker: offsets, configs and status of the Connect workers, `mm2-offsets.<alias>.internal` and so on.
	Worker
)

// Name is a topic's name taken apart. Alias and Separator are empty where the kind has none.
type Name struct {
	Kind      Kind
	Alias     string
	Separator string
}

const (
	syncsPart      = "mm2-offset-syncs"
	checkpointPart = "checkpoints"
	heartbeatPart  = "heartbeats"
	internalPart   = "internal"
)

// ParseName says what a topic's name means, for any replication.policy.separator. The separator stands between all parts, or
// "." does where replication.policy.internal.topic.separator.enabled is false (DefaultReplicationPolicy.java).
//
// A name says nothing about what is in the topic; Locate looks.
func ParseName(topic string) Name {
	if topic == heartbeatPart {
		return Name{Kind: Heartbeats}
	}
	if rest, ok := strings.CutSuffix(topic, internalPart); ok {
		return parseInternal(rest)
	}
	if rest, ok := strings.CutSuffix(topic, heartbeatPart); ok {
		if alias, sep := splitSeparator(rest); alias != "" && sep != "" {
			return Name{MirroredHeartbeats, alias, sep}
		}
	}
	return Name{}
}

// parseInternal takes a name without its last part, but with the separator before that.
func parseInternal(rest string) Name {
	if after, ok := strings.CutPrefix(rest, syncsPart); ok {
		if alias, sep, ok := enclosed(after); ok {
			return Name{OffsetSyncs, alias, sep}
		}
		return Name{}
	}
	for _, part := range []string{"mm2-offsets", "mm2-configs", "mm2-status"} {
		if after, ok := strings.CutPrefix(rest, part); ok && after != "" {
			alias, sep, _ := enclosed(after)
			return Name{Worker, alias, sep}
		}
	}
	// alias, separator, checkpoints, separator
	if i := strings.LastIndex(rest, checkpointPart); i > 0 {
		sep := rest[i+len(checkpointPart):]
		if alias, ok := strings.CutSuffix(rest[:i], sep); ok && sep != "" && alias != "" {
			return Name{CheckpointsOf, alias, sep}
		}
	}
	return Name{}
}

// enclosed splits "-east-" into what it begins and ends with, and what is between: the shortest separator that has no letter
// or digit, else the longest beginning that is the end, too.
func enclosed(s string) (alias, sep string, ok bool) {
	for n := 1; 2*n < len(s); n++ {
		if s[:n] == s[len(s)-n:] {
			alias, sep, ok = s[n:len(s)-n], s[:n], true
			if !punctuation(s[n]) && punctuation(s[n-1]) {
				return alias, sep, true
			}
		}
	}
	return alias, sep, ok
}

// splitSeparator cuts punctuation off the end.
func splitSeparator(s string) (before, sep string) {
	i := len(s)
	for i > 0 && punctuation(s[i-1]) {
		i--
	}
	return s[:i], s[i:]
}

func punctuation(c byte) bool { return c == '.' || c == '-' || c == '_' }

// SyncsTopic is what MirrorMaker 2 calls its offset-syncs topic.
func SyncsTopic(alias, separator string) string {
	return syncsPart + separator + alias + separator + internalPart
}

// CheckpointsTopic is what it calls its checkpoints topic.
func CheckpointsTopic(alias, separator string) string {
	return alias + separator + checkpointPart + separator + internalPart
}

// Own says whether a topic is MirrorMaker 2's own rather than somebody's data, by its name.
func Own(topic string) bool {
	if strings.HasPrefix(topic, "mm2-") && (strings.HasSuffix(topic, ".internal") || strings.HasSuffix(topic, "-internal")) {
		return true
	}
	return ParseName(topic).Kind != NotMM2
}
