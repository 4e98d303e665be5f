package bench

// limits says of a measure what keeps it from a budget, as far as somebody looked: profiles of leftoff (pprof) and of the brokers (JFR,
// top -H), on the machine of the page. It is shown where a budget is missed, and has to be looked at anew when it still is after a change.
var limits = map[string]string{
	"latency": "At 1,000 commits and 1,000 records a second the two cores are busy to 96 %: of 20 CPU seconds in a window of 10, the two brokers take 6.5 each, load and judge 2.8, and leftoff 3.7. " +
		"The copier that carries commits and records and decides nothing takes 3.3 and is as late. The budget was set by a copier of commits alone, for which the machine has room. " +
		"At a quarter of the rate, where a third of the machine is idle, leftoff is within it. Requests that wait for one another to become fewer (5 ms between fetches, on either side) changed nothing that could be told from the spread. " +
		"Over MirrorMaker 2 a position at the tip has to wait for its record, which that mirror brings, with what it takes of the same cores, and is then proven on both sides. " +
		"The ratios follow from the p50: tuned MirrorMaker 2 looks once a second, and its default once a minute.",
	"tail": "The naive map, which keeps less and checks nothing, is slower than the ledger in the same run: the floor that the budget was set from (1,200,000 a second) was taken on another day, with a broker that is none (kfake). " +
		"Half of the time is the fetcher's: sockets, checksums, and the batches' records.",
	"coldstart": "The three CPU rows over two cores are the time it takes: the machine is the limit, not a queue. The budget's floor had both cores to itself, first to read (1.2 s) and then to write (2.6 s, at 393,000 offsets a second, where the bare writer of this page gets half of that). " +
		"Of the brokers' CPU a third is their compiler: `top -H` showed 14 of the secondary's 48 and 14 of the primary's 39 CPU seconds since they were started in C2's thread, and it is still at it while leftoff starts, with all that was done to warm them up. " +
		"Of the rest on the secondary, half is the coordinator's own work for a commit (JFR), the same for whoever writes it.",
	"translate": "The median is within its budget. No place in the index is slow: of the best of five tries at each offset the p99 is a third of what it is of a single try. What is in between are first touches of memory, as the file is larger than the caches, " +
		"and what the machine does meanwhile; it is the same with Go's garbage collector switched off.",
	"throughput": "A record of 1 KiB is bytes, above all: of leftoff's CPU, 17 % are the kernel's socket calls, 30 % copying and clearing of memory (the client library reads each answer into a new buffer and encodes each batch into another), 9 % checksums. " +
		"The smaller the record, the more leftoff is ahead, and the larger, the less. Never below four times for 1 KiB, as asked.",
}

// limit is what is said of an entry: nothing where its budgets are met.
func limit(e Entry) string {
	for _, r := range e.Result.Rows {
		if !r.Met() {
			return limits[e.Name]
		}
	}
	return ""
}
