package main

import (
	"bufio"
	"encoding/json"
	"errors"

	"github.com/spf13/cobra"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/translate"
)

// exportedRun is one line of `index export`.
type exportedRun struct {
	Link           string `json:"link"`
	Topic          string `json:"topic"`
	SecondaryTopic string `json:"secondary_topic"`
	Partition      int32  `json:"partition"`
	Primary        int64  `json:"primary"`
	Secondary      int64  `json:"secondary"`
	Length         int64  `json:"length"`
	Closed         bool   `json:"closed"`
	// Line is main; pending for a last copy that later records undercut; dead for one that was made again later.
	Line string `json:"line"`
}

func (a *app) indexExportCommand() *cobra.Command {
	return a.withLink(&cobra.Command{
		Use: "export", Short: "every run as a line of JSON, for other programs", Args: cobra.NoArgs,
		Long: `A run says that length records from offset primary on have their copies from offset secondary on. To move an index, copy its
file while leftoff is stopped: nothing has to be imported.`,
		Example: `  leftoff index export > runs.jsonl
  leftoff index export --link west-east | jq -s length`,
		RunE: func(*cobra.Command, []string) error { return a.indexExport() },
	})
}

func (a *app) indexExport() error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	names, err := a.chosenLinks(cfg)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(a.out, 1<<20)
	for _, name := range names {
		x, err := a.openIndex(cfg, name)
		if err != nil {
			return err
		}
		if err := errors.Join(exportLink(json.NewEncoder(out), x, name), x.Close()); err != nil {
			return err
		}
	}
	return out.Flush()
}

func exportLink(out *json.Encoder, x *checkpoint.Index, link string) error {
	for _, info := range x.Pairs() {
		pair, live := x.Lookup(info.Primary.Name)
		if info.Retired || !live {
			continue
		}
		for n := range info.Partitions {
			line := exportedRun{Link: link, Topic: info.Primary.Name, SecondaryTopic: info.Secondary.Name, Partition: n}
			if err := exportPartition(out, pair.Partition(n), line); err != nil {
				return err
			}
		}
	}
	return nil
}

func exportPartition(out *json.Encoder, p *checkpoint.Partition, line exportedRun) (err error) {
	write := func(name string, r translate.Run) bool {
		line.Line, line.Primary, line.Secondary, line.Length, line.Closed = name, r.Primary, r.Secondary, r.Length, r.Closed
		err = out.Encode(line)
		return err == nil
	}
	p.Runs(func(r translate.Run) bool { return write("main", r) })
	pending, dead := p.Superseded()
	for i := 0; i < len(pending) && err == nil; i++ {
		write("pending", pending[i])
	}
	for i := 0; i < len(dead) && err == nil; i++ {
		write("dead", dead[i])
	}
	return err
}
