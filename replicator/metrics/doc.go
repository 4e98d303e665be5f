// Package metrics makes Prometheus metrics of snapshots.
//
// Promise. Names end in _total, _seconds or what they count; labels are from closed sets (link, side, state, reason, confidence,
// verdict), so that the number of series does not grow with the number of groups. Gauges for each group are opt-in.
// docs/metrics.md describes every metric; a test holds it to this package.
//
// Caveats. A scrape walks over all groups. Answers are kept for some seconds, so that several scrapers cost one walk.
package metrics
