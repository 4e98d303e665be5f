// Package detect looks at two clusters and says which mirror is between them, and which mapping fits each topic.
//
// # Promise
//
//   - It only reads, and little: names, bounds, and a few records of each topic.
//   - Equal ends prove nothing. A topic is called offset-preserving only where records were compared at the same offsets.
//   - What it is not sure of, it says: each topic has its reason in a sentence, and what needs a person is a Problem.
//
// # Basics
//
//	gather ── Facts ──▶ decide ── Report ──▶ Report.Mapping, Report.Config
//
// gather asks the clusters, decide is a pure function.
//
// # Caveats
//
// MirrorMaker 2 that copied a plain topic from offset 0 has kept its offsets so far, and will not after its next restart:
// where offset syncs name a topic, equal offsets do not make it `identity`. Any other mirror that did so looks like one that
// keeps offsets; the identity source goes on comparing for that reason.
//
// The copies that leftoff makes itself look like anybody's.
package detect
