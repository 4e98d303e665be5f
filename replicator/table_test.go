package replicator

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// The table against a map: each key has one row, which is found by group, by topic and by key, in order, and does not move. What is
// put into one row does not show in another.
func TestTableIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tb, model := newTable(), map[Key]*row{}
		for n := range rapid.IntRange(0, 200).Draw(t, "keys") {
			k := Key{fmt.Sprint(rapid.IntRange(0, 4).Draw(t, "group")), fmt.Sprint(rapid.IntRange(0, 2).Draw(t, "topic")), rapid.Int32Range(0, 30).Draw(t, "partition")}
			g := tb.group(k.Group)
			p := g.part(tb.topic(k.Topic, all))
			if r, _ := p.find(k.Partition); r != model[k] {
				t.Fatalf("%v: found %p, want %p", k, r, model[k])
			}
			r := tb.row(g, tb.topic(k.Topic, all), k.Partition)
			if was, known := model[k]; known && was != r {
				t.Fatalf("%v: a second row", k)
			}
			if model[k] == nil && (r.held != valueAt(beforeAll, absent) || r.primary != r.held || r.flags != 0 || r.rare != nil || r.sentAt != 0) {
				t.Fatalf("%v: a new row with %+v", k, r)
			}
			model[k] = r
			r.sent, r.primary.offset = int64(n), int64(n)
			r.setMetadata(Secondary, fmt.Sprint(n%2))
		}
		byGroup, byTopic := 0, 0
		for name, g := range tb.groups {
			last := map[*topic]int32{}
			g.each(func(r *row) {
				byGroup++
				if k := r.key(); model[k] != r || k.Group != name || r.group != g {
					t.Fatalf("%v: %p, want %p", k, r, model[k])
				}
				if n, ok := last[r.topic()]; ok && n >= r.partition() {
					t.Fatalf("%v comes after %d", r.key(), n)
				}
				last[r.topic()] = r.partition()
				if r.primary.offset != r.sent || r.metadata(Secondary) != fmt.Sprint(r.sent%2) || r.metadata(Primary) != "" {
					t.Fatalf("%v: %+v", r.key(), r)
				}
			})
		}
		for name, tp := range tb.topics {
			for n, p := range tp.partitions {
				for r := p.rows; r != nil; r = r.next {
					byTopic++
					if k := r.key(); model[k] != r || k.Topic != name || k.Partition != n {
						t.Fatalf("%v: %p, want %p", k, r, model[k])
					}
				}
			}
		}
		if byGroup != len(model) || byTopic != len(model) || tb.rows != len(model) {
			t.Fatalf("%d by group, %d by topic, %d counted, want %d", byGroup, byTopic, tb.rows, len(model))
		}
	})
}

// Each side's order and time survive the packing, whatever they are.
func TestValuesArePacked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Commit{
			Offset: rapid.Int64().Draw(t, "offset"), LeaderEpoch: rapid.Int32().Draw(t, "leader epoch"),
			CommittedAt: rapid.Int64Range(0, math.MaxUint32*1000).Draw(t, "at"), Order: Order{rapid.Int32().Draw(t, "epoch"), rapid.Int64().Draw(t, "place")},
		}
		v := newValue(&c)
		if v.order() != c.Order || v.at() != c.CommittedAt || v.offset != c.Offset || v.epoch != c.LeaderEpoch || v.state != present {
			t.Fatalf("%+v of %+v", v, c)
		}
	})
}
