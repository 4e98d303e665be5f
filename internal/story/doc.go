// Package story plays `leftoff demo`: a payments company in two regions, of which one dies.
//
// # Promise
//
// Everything in it is real but the brokers, which are embedded: producers, consumer groups, the built-in mirror and the
// daemon talk to them over TCP. What is said at the end comes from internal/judge, which reads both regions by itself and
// shares no code with the product, and from the consumers' own books. Nothing is left behind: neither files nor goroutines.
//
// # Basics
//
//	report, err := story.Run(ctx, story.Options{Seed: 7, Out: os.Stdout})
//	// err: it could not be played. Otherwise report.Proven() says whether the promise held.
//
// The acts, one file each where they are long: history is written and one group reads a part of it (west.go), leftoff starts
// and traffic flows (west.go), everybody stands still and both sides are compared (compare.go), west is gone and the groups
// go on in east under their own names with auto.offset.reset=none (east.go), the proof (proof.go, payments.go).
//
// # Caveats
//
// Traffic pauses before west dies, so that both sides can be compared while both exist. What a real region takes along when
// it dies in full flow (records not mirrored yet, work not committed yet) no replication brings back; it is counted apart.
package story
