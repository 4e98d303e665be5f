// Package judge says what is true about two clusters, without asking the product: how many records a resume position skips
// and re-reads, and whether everything ever written to the secondary kept the safety rules.
//
// # Promise
//
// It imports nothing of the product and reads with franz-go, so that it can't share a mistake with what it judges. What it
// re-implements (the offset formats, the stamp, T) it takes from the definitions, not from the product's code.
//
// # Basics
//
// Compare reads every record of a topic on both sides, pairs copies by content, and answers for a commit u and a resume
// position d:
//
//	copies, err := judge.Compare(ctx, primary, secondary, "payments", "payments", judge.Options{})
//	v, _ := copies.Judge(partition, u, d)     // v.T, v.Skipped, v.Reread
//
// Watch tails `__consumer_offsets` of both sides from their log starts. Every value ever written is kept and Check holds
// each against the rules:
//
//	h, err := judge.Watch(ctx, primary, secondary)
//	…
//	err = h.CaughtUp(ctx)
//	for _, v := range h.Check(judge.Rules{}, copies) { t.Error(v) }
//
// # Caveats
//
// Copies are paired by key, value, headers and timestamp. A record that occurs twice on the primary can't be told apart
// and is an error, unless Options say how to pair. A record that the primary has dropped since (retention, compaction)
// looks foreign on the secondary; Options.Unpaired says so when a test expects that.
//
// T is judged by the copies that exist when Compare runs. T can have been lower when a value was written (a re-copy raised
// it since): such a value is safe now, and that is what Check says.
package judge
