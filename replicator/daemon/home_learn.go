package daemon

import (
	"go.uber.org/zap"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator/failover"
)

// knowsAll says that an index of a way home has all that came home, up to the marks of its end. One that was lost after that was made
// again from the link's own, and lacks it: what it does not know must not be passed over.
func knowsAll(from *checkpoint.Pair, marks []failover.Mark) bool {
	for _, m := range marks {
		if m.Partition >= from.Info().Partitions || m.Primary < 0 || m.Secondary < 0 {
			return false
		}
		if f, ok := from.Partition(m.Partition).Frontier(); !ok || f.Primary < m.Secondary {
			return false
		}
	}
	return true
}

// anew lets the mirror compare all of a topic: what the index has and what came home do not fit together.
func (g ground) anew(topic string, pair *checkpoint.Pair, why string) error {
	g.l.log.Info("what came home can't be taken over into the index: both sides are compared", zap.String("topic", topic), zap.String("why", why))
	return g.l.index.Retire(pair)
}

// nowOf is the pair of the topics that the way home brought together. One of them was made anew since the switch where it is not the old pair.
func (g ground) nowOf(pair, from *checkpoint.Pair) (*checkpoint.Pair, error) {
	was, is := pair.Info(), from.Info()
	if was.Primary.ID == is.Secondary.ID && was.Secondary.ID == is.Primary.ID {
		return pair, nil
	}
	now, _, err := g.l.index.Pair(checkpoint.Topics{Primary: is.Secondary, Secondary: is.Primary, Partitions: is.Partitions, Source: was.Source})
	return now, err
}

// unwritten says that nothing was written down of what a partition of the secondary had when it was switched: its first copies, or records of
// producers that were early. Those have to come home.
func unwritten(p *checkpoint.Partition, m failover.Mark) bool {
	f, ok := p.Frontier()
	_, some := p.Last()
	return ok && !some && f.Secondary < m.Secondary
}
