package main

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// asked is what the clusters of a link say to its configuration.
type asked struct {
	Link     string   `json:"link"`
	Mirror   string   `json:"mirror,omitempty"`
	Problems []string `json:"problems"`
	Notes    []string `json:"notes"`
}

// askClusters looks at the clusters of every link: do they answer, is there a copy of each topic, does MirrorMaker 2 write group
// offsets, too? A cluster that can't be asked is a problem of the link, not the end.
func (a *app) askClusters(ctx context.Context) ([]asked, error) {
	_, sides, err := a.sidesOfFile()
	if err != nil {
		return nil, err
	}
	var all []asked
	for _, s := range sides {
		one := asked{Link: s.Name, Problems: []string{}, Notes: []string{}}
		s.options.Name = s.Topics.Rename.Apply
		if r, err := a.look(ctx, s); err != nil {
			one.Problems = append(one.Problems, err.Error())
		} else {
			one.Mirror, one.Problems, one.Notes = r.Mirror, append(one.Problems, r.Problems...), append(one.Notes, r.Notes...)
			for _, t := range r.Topics {
				if t.Mapping != "" && t.Mapping != s.Mapping && s.Mapping != "auto" {
					one.Notes = append(one.Notes, fmt.Sprintf("%s: mapping %s in the configuration, %s by what is there: %s", t.Topic, s.Mapping, t.Mapping, t.Why))
				}
			}
		}
		all = append(all, one)
	}
	return all, nil
}

func printAsked(w io.Writer, all []asked) {
	for _, one := range all {
		fmt.Fprintf(w, "\n%s: mirror: %s\n", one.Link, strings.TrimSpace(one.Mirror+" "))
		printAdvice(w, "  ! ", one.Problems)
		printAdvice(w, "  ", one.Notes)
	}
}
