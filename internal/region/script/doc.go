// Package script runs one sequence of everything that writes to `__consumer_offsets` against any cluster, and says what a
// reader of that topic must end up with. It keeps the embedded ground honest, and every reader that is tried on it.
//
// # Basics
//
//	result, err := script.Run(ctx, "x1", kgo.SeedBrokers(bootstrap...))
//	defer result.Close()           // aborts the transaction that was left open
//	result.Ledger                  // key → offset, metadata, deleted
//
// All names begin with the given prefix, so that several runs share a cluster. Real brokers write markers and the
// tombstones of a deleted topic a little later than they answer: compare until it fits, with a deadline.
//
// Client is the raw requests that the script consists of, for tests of their own.
package script
