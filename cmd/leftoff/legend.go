package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/leftoff/leftoff/replicator/api"
)

// printHolds says of each reason what it means and what to do, once.
func printHolds(w io.Writer, holds []api.Hold) {
	if len(holds) == 0 {
		return
	}
	fmt.Fprintln(w, "\nHeld back:")
	for _, h := range holds {
		fmt.Fprintf(w, "  %s (%s of %s): %s\n", h.Reason, plural(h.Offsets, "offset"), plural(h.Groups, "group"), h.Meaning)
		if h.Detail != "" {
			fmt.Fprintf(w, "      %s\n", h.Detail)
		}
		fmt.Fprintf(w, "      Try: %s\n", h.Do)
	}
}

// someFloors is how many kinds of floors are told apart before the rest is only counted.
const someFloors = 10

// printFloors says why positions are no more than safe, and what would make them exact. Numbered, a table above refers to
// the lines; what is being looked for is last, and has no number.
func printFloors(w io.Writer, floors []api.Floor, numbered bool) {
	if len(floors) == 0 {
		return
	}
	fmt.Fprintln(w, "\nNot exact:")
	for i, f := range floors {
		if i == someFloors {
			fmt.Fprintf(w, "  and %s for other reasons (-o json lists them)\n", plural(offsetsOf(floors[i:]), "offset"))
			return
		}
		mark := ""
		if numbered && !f.Pending {
			mark = fmt.Sprintf("[%d] ", i+1)
		}
		fmt.Fprintf(w, "  %s%s of %s: %s\n", mark, plural(f.Offsets, "offset"), plural(f.Groups, "group"), bound(f))
		words := floorWords(f.Detail, f.Pending)
		if f.Offsets > 1 && !f.Pending && strings.ContainsAny(words, "0123456789") {
			words = "for instance: " + words // others name other records
		}
		fmt.Fprintf(w, "      %s\n", words)
	}
}

func offsetsOf(floors []api.Floor) (n int) {
	for _, f := range floors {
		n += f.Offsets
	}
	return n
}

func bound(f api.Floor) string {
	switch {
	case f.Reread == nil:
		return "how much is read again is not known"
	case f.Offsets == 1:
		return fmt.Sprintf("at most %s read again", plural(int(f.Reread.Sum), "record"))
	}
	return fmt.Sprintf("at most %s read again, %s at one of them", plural(int(f.Reread.Sum), "record"), number(f.Reread.Maximum))
}

const beingCompared = "being compared"

// floorWords is what would make a floor exact.
func floorWords(detail string, pending bool) string {
	if pending {
		return beingCompared + ": a better position is being looked for"
	}
	return cmp.Or(detail, "where the records there went is not known; a newer commit of the group becomes exact")
}

// note refers an entry to its line of printFloors; empty where it has none.
func note(floors []api.Floor, e api.Entry) string {
	if e.Pending {
		return beingCompared
	}
	for i, f := range floors[:min(len(floors), someFloors)] {
		if f.Covers(e) {
			return fmt.Sprintf("[%d]", i+1)
		}
	}
	return ""
}
