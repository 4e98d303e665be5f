// Package offsetlog decodes the records of `__consumer_offsets`: offset commits with values v0–v4, group records and member
// records of classic, KIP-848, share and streams groups.
//
// # Promise
//
// What a decoder returns is what Kafka's own reader (CoordinatorRecordSerde) would have read, or an error. Nothing is guessed:
// a record type nobody told us about is Unknown, a value version past the known ones is ErrVersion, short or hostile bytes are
// ErrMalformed. No input makes a decoder panic, loop, or allocate more than its error.
//
// # Basics
//
// The decoders are zero-copy: every []byte in a result aliases the input and is valid as long as that is. Interning and
// copying is the caller's. A nil value is a tombstone and is the caller's to notice, before a value decoder sees it.
//
// # Caveats
//
// Trailing bytes are ignored, as Kafka ignores them: a later version may append fields to a key only under a new type, but
// old readers were never strict about it. Text is not checked for UTF-8: names are compared as bytes.
package offsetlog
