package replicator

import (
	"hash/fnv"
	"time"
)

// Stamp is the mark by which any leftoff recognises what any leftoff wrote. It travels as the RetentionTime of an
// OffsetCommit v4: the broker stores the value as v1 with expireTimestamp − commitTimestamp exactly as sent (measured on
// Kafka 3.9.2 and 4.3.1), so it is readable by anyone after any loss, and it outlives offsets.retention.minutes.
//
//	90 days  +  (link·1000 + writer)·97 + 42  milliseconds
//
// The remainder modulo 97 tells a stamp from a retention that somebody chose by hand.
type Stamp struct {
	Link   uint16 // 0…9999: LinkMark of the two cluster ids, in the link's direction
	Writer uint16 // 0…998: which process; 999: a value put back
}

const (
	stampBase   = int64(90 * 24 * time.Hour / time.Millisecond)
	stampFactor = 97
	stampCheck  = 42
	stampLinks  = 10_000
	writers     = 1_000
	// returnedWriter marks a value of somebody else that leftoff had overwritten and put back: not ours.
	returnedWriter = writers - 1
)

// Retention is what to send as RetentionTime.
func (s Stamp) Retention() time.Duration {
	payload := int64(s.Link%stampLinks)*writers + int64(s.Writer%writers)
	return time.Duration(stampBase+payload*stampFactor+stampCheck) * time.Millisecond
}

// ReadStamp decodes a stored expireTimestamp − commitTimestamp, in ms.
func ReadStamp(retention int64) (Stamp, bool) {
	rest := retention - stampBase - stampCheck
	if rest < 0 || rest%stampFactor != 0 || rest/stampFactor >= stampLinks*writers {
		return Stamp{}, false
	}
	payload := rest / stampFactor
	return Stamp{Link: uint16(payload / writers), Writer: uint16(payload % writers)}, true
}

// LinkMark is the link's number in a stamp. It depends on the cluster ids in the link's direction only, so that every
// process and every machine computes the same, and opposite links differ.
func LinkMark(primaryClusterID, secondaryClusterID string) uint16 {
	h := fnv.New32a()
	h.Write([]byte(primaryClusterID + "\x00" + secondaryClusterID))
	return uint16(h.Sum32() % stampLinks)
}
