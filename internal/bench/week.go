package bench

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/translate"
)

// weekPlan is a week of a link in small: what a mirror appends between two flushes, and the log starts that follow.
type weekPlan struct {
	partitions int
	each       int // runs appended to a partition between two flushes, which are a second apart
	day        int // flushes; runs older than a day are pruned, as both logs keep one day
	days       int
	within     time.Duration // of the clock here; what is not done by then is left out, and said
}

// week is what became of the file.
type week struct {
	plan    weekPlan
	flushes int
	sizes   []int64 // of the file, at the end of each day
	runs    int64   // kept at the end
	flush   time.Duration
}

// simulateWeek flushes as often as a week has seconds. Whether the file grows depends on which pages a flush replaces, not on
// how long the disk takes for it, so it is done in memory where that can be had.
func simulateWeek(r *Run) week {
	plan := weekPlan{partitions: 4, each: 5, day: 86_400, days: 7, within: 90 * time.Second}
	if r.Short {
		plan.day, plan.within = 2_000, 15*time.Second
	}
	w := week{plan: plan}
	path := filepath.Join(quickDir(r), "week.db")
	x, err := checkpoint.Open(path, checkpoint.Options{})
	if err != nil {
		r.Fatal(err)
	}
	defer x.Close()
	topics := largeTopics
	topics.Partitions = int32(plan.partitions)
	pair, _, err := x.Pair(topics)
	if err != nil {
		r.Fatal(err)
	}
	began := time.Now()
	for w.flushes < plan.day*plan.days && time.Since(began) < plan.within && r.Context.Err() == nil {
		w.second(r, x, pair)
		if w.flushes%plan.day == 0 {
			w.endOfDay(r, x)
			r.Say("day %d of a week of flushes, the index is %.1f MiB", len(w.sizes), mib(w.sizes[len(w.sizes)-1]))
		}
	}
	w.flush = time.Since(began) / time.Duration(max(1, w.flushes))
	if err := x.Check(); err != nil {
		r.Fatalf("the index after %d flushes: %v", w.flushes, err)
	}
	return w
}

// second is a second of the mirror: some transactions of ten records, each with its marker, then a flush. Log starts move
// once a minute.
func (w *week) second(r *Run, x *checkpoint.Index, pair *checkpoint.Pair) {
	n := int64(w.flushes)
	for i := range w.plan.partitions {
		p := pair.Partition(int32(i))
		for k := range w.plan.each {
			at := n*int64(w.plan.each) + int64(k)
			if err := p.Append(translate.Run{Primary: 11 * at, Secondary: 10 * at, Length: 10, Closed: true}); err != nil {
				r.Fatal(err)
			}
		}
		at := (n + 1) * int64(w.plan.each)
		if err := p.Advance(translate.Frontier{Primary: 11 * at, Secondary: 10 * at}); err != nil {
			r.Fatal(err)
		}
		if gone := (n - int64(w.plan.day)) * int64(w.plan.each); gone > 0 && n%60 == 0 {
			p.Prune(11*gone, 10*gone)
		}
	}
	if err := x.Flush(); err != nil {
		r.Fatal(err)
	}
	w.flushes++
}

func (w *week) endOfDay(r *Run, x *checkpoint.Index) {
	stats, err := x.Stats()
	if err != nil {
		r.Fatal(err)
	}
	w.sizes, w.runs = append(w.sizes, stats.FileBytes), stats.Runs
}

func (w *week) condition() string {
	return fmt.Sprintf("the week: %d partitions, %d runs a second in each, a flush a second, both logs keep a day; %d flushes made", w.plan.partitions, w.plan.each, w.flushes)
}

func (w *week) rows() []Row {
	if len(w.sizes) == 0 {
		return nil
	}
	first, last := w.sizes[0], w.sizes[len(w.sizes)-1]
	rows := []Row{
		{What: "index file after the first day of a week", Unit: "MiB", Values: []float64{mib(first)}},
		{What: fmt.Sprintf("index file after day %d", len(w.sizes)), Unit: "MiB", Values: []float64{mib(last)}},
		{What: "runs in it", Unit: "runs", Values: []float64{float64(w.runs)}},
	}
	if len(w.sizes) > 1 { // until the second day nothing is pruned
		rows = append(rows, Row{What: fmt.Sprintf("growth from day 2 to day %d", len(w.sizes)), Unit: "MiB", Values: []float64{mib(last - w.sizes[1])}})
	}
	return append(rows, Row{What: "a flush, without a disk", Unit: "µs", Values: []float64{microseconds(w.flush)}})
}

func (w *week) notes() []string {
	notes := []string{"The index file grows in steps of 16 MiB, so a growth of 0 is one of less than a step."}
	if w.flushes < w.plan.day*w.plan.days {
		notes = append(notes, fmt.Sprintf("Of the week's %d flushes, %d were made in %v.", w.plan.day*w.plan.days, w.flushes, w.plan.within))
	}
	return notes
}
