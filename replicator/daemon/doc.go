// Package daemon wires the rooms together: one errgroup a link, from the tails over the core to the commits, the mapping
// source, the keeper of the index, and the HTTP server over all links.
//
//	Options → New → Run(ctx)
//
// Run starts, serves and keeps trying with either cluster down. It returns nil when ctx ends, and an error that wraps
// ErrRefused when going on could do harm: wrong credentials at the start, another cluster than last time.
package daemon
