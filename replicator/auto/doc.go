// Package auto is the mapping source that chooses one of the others for each topic, by what package detect finds.
//
// # Promise
//
//   - A topic is answered by one source only, and not before it is known which.
//   - What is not certain is compared: equal offsets alone make no topic `identity` (see detect.Report.Auto), and one that turns
//     out to differ later goes over to comparing, never back.
//   - It never begins to copy. A topic without a copy is held, and says so.
//   - What was chosen before a restart is answered from the index at once, also with the primary gone.
//
// # Basics
//
//	detect ── which mapping fits? ──▶ topics ── Forward, Want ──▶ identity | comparing
//
// Both sources run all the time; each is asked for names, and is given those of its topics only. Comparing is package mm2's
// source, which does without offset syncs where there are none: mm2 and match are one source here.
//
// # Caveats
//
// Clusters are looked at again while topics are undecided, ever less often, up to a minute apart; a commit for a topic that was
// never seen makes it sooner.
package auto
