package acceptance

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
)

// Issue 4, scenario 1: plain, transactional and compacted topics of 100,000 records, mirrored by MirrorMaker 2 before
// leftoff first starts; groups at lags 0 … 50,000: nothing skipped, nothing read again, all exact within 10 s, with mapping
// mm2 and with match alone. Beside it what MirrorMaker 2 makes of the same lags by itself.
func TestExactOverMirrorMaker2(t *testing.T) {
	primary, secondary := cleaning(t)
	exactOverMirrorMaker2(t, primary, secondary, 100_000, lags)
}

func exactOverMirrorMaker2(t *testing.T, primary, secondary *rig.Cluster, n int, lags []int64) {
	prefix := rig.Name(t, "mm2") + "."
	theirs := "theirs-" + prefix
	topics := threeKinds(t, primary, prefix, n)
	b := watch(t, primary, secondary, prefix)
	startMirrorMaker(t, primary, secondary, prefix, map[string]string{"primary->secondary.groups": theirs + ".*"})
	b.waitMirrored(3*time.Minute, topics...)

	kept := commitLagging(t, primary, theirs, lags, topicsOf(topics)...)
	groups := map[string][]laggard{"MirrorMaker 2": kept}
	for _, mapping := range []string{"mm2", "match"} {
		t.Run(mapping, func(t *testing.T) {
			own := prefix + mapping + "-"
			laggards := commitLagging(t, primary, own, append([]int64{1 << 40}, lags...), topicsOf(topics)...)
			s := newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), mapping, prefix)
			s.Groups = regexp.QuoteMeta(own) + ".*"
			r := startExact(t, s, 10*time.Second, groupsOf(laggards))
			t.Log(r.spent())
			b := b.of(t, own)
			copies := b.compareAll(topics)
			if points := b.exact(copies...); points < len(laggards) {
				t.Errorf("%d resume points of %d groups", points, len(laggards))
			}
			b.lawful(judge.Rules{}, copies...)
			groups["leftoff, "+mapping] = laggards
		})
	}
	waitSynced(b, kept)
	t.Log(rereadTable(b, topics, lags, groups))
}

// waitSynced waits until MirrorMaker 2 has committed what it ever will of its groups: all, or what is there after a while.
func waitSynced(b *bench, kept []laggard) {
	b.t.Helper()
	missing := 0
	all := func() bool {
		missing = 0
		held := map[string]bool{}
		for k, w := range b.history.Secondary.Ledger() {
			held[k.Group] = held[k.Group] || w.Value != nil
		}
		for _, l := range kept {
			if !held[l.group] {
				missing++
			}
		}
		return missing == 0
	}
	if !eventually(8*time.Second, all) {
		b.t.Logf("MirrorMaker 2 has committed nothing for %d of %d groups", missing, len(kept))
	}
}

// rereadTable shows how many records are read again, by topic and lag, for whoever follows the groups.
func rereadTable(b *bench, topics []copied, lags []int64, groups map[string][]laggard) string {
	b.t.Helper()
	who := []string{"MirrorMaker 2", "leftoff, mm2", "leftoff, match"}
	worst := b.rereads(b.compareAll(topics)...)
	rows := [][]string{append([]string{"topic", "lag"}, who...)}
	for _, topic := range topics {
		for _, lag := range lags {
			row := []string{topic.topic[strings.LastIndexByte(topic.topic, '.')+1:], fmt.Sprint(lag)}
			for _, w := range who {
				row = append(row, reread(worst, groups[w], topic.topic, lag))
			}
			rows = append(rows, row)
		}
	}
	return "records read again after a failover" + printed(rows...)
}

func reread(worst map[string]int64, groups []laggard, topic string, lag int64) string {
	for _, l := range groups {
		if l.topic != topic || l.lag != lag {
			continue
		}
		if n, ok := worst[l.group]; ok && n >= 0 {
			return fmt.Sprint(n)
		}
		return "no offset"
	}
	return "—"
}
