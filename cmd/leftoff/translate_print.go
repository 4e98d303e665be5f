package main

import (
	"strings"

	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/translate"
)

func (a *app) printTranslations(all []api.Translation) error {
	if done, err := a.json(all); err != nil {
		return err
	} else if !done {
		t := newTable("TOPIC", ">PARTITION", ">OFFSET", "THERE", ">POSITION", "CONFIDENCE", ">RE-READ", "WHY")
		for _, r := range all {
			t.row(r.Topic, number(int64(r.Partition)), number(r.Offset), r.ToTopic, maybe(r.Position, "-"), r.Confidence, maybe(r.RereadRecords, "?"), whyNotExact(r))
		}
		t.print(a.out)
	}
	for _, r := range all {
		if r.Confidence != translate.Exact.String() || r.Position == nil {
			return errBad
		}
	}
	return nil
}

// whyNotExact is the reason where there is no position, and what would make a position exact where it is not.
func whyNotExact(r api.Translation) string {
	switch {
	case r.Reason != "" && r.Detail != "":
		return r.Reason + ": " + r.Detail
	case r.Reason != "":
		return r.Reason
	case r.Confidence == translate.Floor.String() || r.Confidence == translate.Unmapped.String():
		return floorWords(r.Detail, r.Pending)
	case r.Confidence == translate.Behind.String():
		return strings.TrimPrefix(r.Detail+"; past what is mirrored, rises as the mirror does", "; ")
	}
	return r.Detail
}
