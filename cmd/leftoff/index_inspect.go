package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/translate"
)

func isDamage(err error) bool { return errors.Is(err, checkpoint.ErrCorrupt) }

// inspected is one link of `index inspect -o json`.
type inspected struct {
	checkpoint.Link
	Path     string             `json:"path"`
	Stats    checkpoint.Stats   `json:"stats"`
	Topics   []inspectedTopic   `json:"topics"`
	Verdicts []inspectedVerdict `json:"verdicts"`
}

type inspectedVerdict struct {
	Group   string    `json:"group"`
	Verdict string    `json:"verdict"`
	At      time.Time `json:"at"`
	Why     string    `json:"why"`
}

type inspectedTopic struct {
	Number     uint32               `json:"number"`
	Primary    string               `json:"primary"`
	Secondary  string               `json:"secondary"`
	Source     string               `json:"source"`
	Retired    bool                 `json:"retired,omitempty"`
	Partitions []inspectedPartition `json:"partitions,omitempty"`
}

type inspectedPartition struct {
	Partition int32            `json:"partition"`
	Runs      int64            `json:"runs"`
	Frontier  *inspectedFront  `json:"frontier"` // null: nothing known yet
	LastRun   *inspectedRun    `json:"last_run"`
	Foreign   []translate.Span `json:"foreign,omitempty"`
}

type inspectedFront struct {
	Primary   int64 `json:"primary"`
	Secondary int64 `json:"secondary"`
}

type inspectedRun struct {
	Primary   int64 `json:"primary"`
	Secondary int64 `json:"secondary"`
	Length    int64 `json:"length"`
	Closed    bool  `json:"closed"`
}

func (a *app) indexInspectCommand() *cobra.Command {
	return a.withLink(a.withOutput(&cobra.Command{
		Use: "inspect [TOPIC...]", Short: "what the index knows: topics, frontiers, runs, verdicts",
		Example: `  leftoff index inspect
  leftoff index inspect payments --link west-east -o json`,
		RunE: func(_ *cobra.Command, topics []string) error { return a.indexInspect(topics) },
	}))
}

func (a *app) indexInspect(topics []string) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	names, err := a.chosenLinks(cfg)
	if err != nil {
		return err
	}
	var all []inspected
	for _, name := range names {
		x, err := a.openIndex(cfg, name)
		if err != nil {
			return err
		}
		i, err := inspect(x, topics)
		i.Path = cfg.IndexPath(name)
		if err = errors.Join(err, x.Close()); err != nil {
			return err
		}
		all = append(all, i)
	}
	if done, err := a.json(all); done {
		return err
	}
	for n, i := range all {
		if n > 0 {
			fmt.Fprintln(a.out)
		}
		a.printInspected(i)
	}
	return nil
}

func inspect(x *checkpoint.Index, topics []string) (i inspected, err error) {
	i = inspected{Link: x.Link(), Verdicts: inspectVerdicts(x.Verdicts()), Topics: []inspectedTopic{}}
	if i.Stats, err = x.Stats(); err != nil {
		return i, err
	}
	for _, info := range x.Pairs() {
		if len(topics) > 0 && !slices.Contains(topics, info.Primary.Name) {
			continue
		}
		t := inspectedTopic{Number: info.Number, Primary: info.Primary.Name, Secondary: info.Secondary.Name, Source: info.Source, Retired: info.Retired}
		if pair, live := x.Lookup(info.Primary.Name); live && !info.Retired {
			for n := range info.Partitions {
				t.Partitions = append(t.Partitions, inspectPartition(n, pair.Partition(n)))
			}
		}
		i.Topics = append(i.Topics, t)
	}
	return i, nil
}

func inspectPartition(n int32, p *checkpoint.Partition) inspectedPartition {
	i := inspectedPartition{Partition: n, Runs: p.Stats().Runs, Foreign: p.ForeignSpans()}
	if f, ok := p.Frontier(); ok {
		i.Frontier = &inspectedFront{f.Primary, f.Secondary}
	}
	if r, ok := p.Last(); ok {
		i.LastRun = &inspectedRun{r.Primary, r.Secondary, r.Length, r.Closed}
	}
	return i
}

func (a *app) printInspected(i inspected) {
	fmt.Fprintf(a.out, "%s: primary %s, secondary %s; %s in %s\n", i.Name, i.PrimaryClusterID, i.SecondaryClusterID,
		plural(int(i.Stats.Runs), "run"), bytesText(i.Stats.FileBytes))
	t := newTable("TOPIC", "ON THE SECONDARY", ">PARTITION", ">RUNS", ">FRONTIER", ">THERE", ">LAST RUN", ">THERE", ">FOREIGN")
	for _, topic := range i.Topics {
		if topic.Retired {
			t.row(topic.Primary, topic.Secondary, "retired", "-", "-", "-", "-", "-", "-")
			continue
		}
		for _, p := range topic.Partitions {
			front, there, last, lastThere := "-", "-", "-", "-"
			if p.Frontier != nil {
				front, there = number(p.Frontier.Primary), number(p.Frontier.Secondary)
			}
			if p.LastRun != nil {
				last = fmt.Sprintf("%d+%d", p.LastRun.Primary, p.LastRun.Length)
				lastThere = number(p.LastRun.Secondary)
			}
			t.row(topic.Primary, topic.Secondary, number(int64(p.Partition)), number(p.Runs), front, there, last, lastThere, number(int64(len(p.Foreign))))
		}
	}
	if len(t.rows) > 0 {
		fmt.Fprintln(a.out)
	}
	t.print(a.out)
	a.printVerdicts(i.Verdicts)
}

func inspectVerdicts(verdicts map[string]checkpoint.Verdict) []inspectedVerdict {
	all := make([]inspectedVerdict, 0, len(verdicts))
	for group, v := range verdicts {
		all = append(all, inspectedVerdict{group, v.Kind.String(), v.At.UTC(), v.Why})
	}
	slices.SortFunc(all, func(a, b inspectedVerdict) int { return cmp.Compare(a.Group, b.Group) })
	return all
}

func (a *app) printVerdicts(verdicts []inspectedVerdict) {
	if len(verdicts) == 0 {
		return
	}
	t := newTable("GROUP", "VERDICT", "SINCE", "WHY")
	for _, v := range verdicts {
		t.row(v.Group, v.Verdict, v.At.Local().Format("2006-01-02 15:04:05"), v.Why)
	}
	fmt.Fprintln(a.out)
	t.print(a.out)
}
