// Package bench is what `make bench` measures, beside MirrorMaker 2 where it has the row.
//
// A measure is one file: it builds its ground with internal/rig, runs leftoff from its own packages, the way the daemon does, and
// returns rows of one value a run. The frame keeps them by name in benchmarks.json and renders benchmarks.md from that file, so that
// measuring one thing again leaves the others as they were.
//
// # Caveats
//
// Brokers, load, judge and the process under test share one machine. Each measure therefore shows, as a row or a note, that neither
// its generator nor its judge is what it measured.
package bench
