// Package region is an embedded Kafka region: a kfake cluster with what kfake lacks, a faithful `__consumer_offsets`. The
// demo and the fast tests stand on it; it imports nothing of the product.
//
// # Promise
//
// Everything a broker would append to `__consumer_offsets` is appended before the client sees the answer: commits (v1 with
// a retention time, else v3 or v4 with the topic's id), transactional commits under their own producer id, so that markers,
// timeouts, fencing and the last stable offset are kfake's own and real, tombstones of OffsetDelete, DeleteGroups and topic
// deletion, group metadata of classic groups, and the records of KIP-848 groups and members. What the broker refused is not
// appended. TestSameLedgerAsKafka runs one script here and on real Kafka and compares what the log says.
//
// # Basics
//
//	west, err := region.Start(region.Options{Name: "west", Brokers: 1})
//	defer west.Close()
//	client := kgo.NewClient(kgo.SeedBrokers(west.Bootstrap()...))
//	…
//	west.Kill()            // the region is gone: connections die, nothing listens
//	err = west.Restart()   // it is back, with its data, on the same ports
//
// Under testing/synctest give the regions one Network, and its Dial to every client.
//
// # How
//
// Every accepted connection is wrapped: a frame with a request that writes offsets is held until no other such request of
// its group is under way, then handed to kfake; its answer is held until the records are appended (by a connection of the
// region's own, through a pipe). So the order in the log is the order in which kfake decided.
//
//	client ──frame──▶ conn ──(lock group)──▶ kfake ──answer──▶ conn ──(append, unlock)──▶ client
//
// # Caveats
//
// Faults and controls on Produce or AddPartitionsToTxn without a topic hit the region's own appends, too: name a topic.
// A commit whose connection dies before the answer is looked up afterwards and appended if kfake took it; a transactional
// one is not. A member that has joined but not synced is not in the log yet, as with Kafka. Records of offsets that expire
// are not written; expiry is off unless Options.Brokers configs say otherwise. Metadata of any size is accepted (Kafka: 4096).
// After a transaction commits over a later plain commit, kfake's own OffsetFetch answers the transaction's value; the log,
// by Kafka's rule, the plain one. Cluster().Close() must not be called: Close does it.
package region
