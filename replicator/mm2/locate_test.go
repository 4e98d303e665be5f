package mm2

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// pair is two clusters with topic orders of 2 partitions: 20 records on the primary, copied behind 5 foreign ones.
func pair(t *testing.T, name string) (primary, secondary *fakeCluster) {
	t.Helper()
	primary, secondary = newFake(), newFake()
	primary.create("orders", 1, 2)
	secondary.create(name, 2, 2)
	for p := range int32(2) {
		for i := range 5 {
			secondary.put(name, p, event("foreign", i))
		}
		for i := range 20 {
			primary.put("orders", p, event("order", i))
			secondary.put(name, p, event("order", i))
		}
	}
	return primary, secondary
}

func event(what string, i int) kafka.Record {
	return kafka.Record{Timestamp: int64(1000*len(what) + i), Key: fmt.Append(nil, what, i), Value: []byte("v")}
}

func locate(t *testing.T, a, b *fakeCluster, change func(*LocateOptions)) Located {
	t.Helper()
	o := LocateOptions{Primary: a, Secondary: b, Name: func(n string) (string, bool) { return n, n == "orders" }}
	if change != nil {
		change(&o)
	}
	l, err := Locate(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (c *fakeCluster) syncsTopic(name string, delta int64, at ...int64) {
	c.create(name, 7, 1)
	for _, u := range at {
		c.put(name, 0, syncRecord("orders", 0, u, u+delta), syncRecord("orders", 1, u, u+delta))
	}
}

// TestLocateAmongFlows: a hub has many offset-syncs topics, of mirrors to and from other clusters; the records say which one
// is between these two.
func TestLocateAmongFlows(t *testing.T) {
	a, b := pair(t, "orders")
	a.syncsTopic("mm2-offset-syncs.north.internal", 0, 3, 19) // to a cluster where nothing foreign is: other records
	a.syncsTopic("mm2-offset-syncs.east.internal", 5, 3, 10)
	a.syncsTopic("mm2-offset-syncs.south.internal", 500, 3)    // no such offsets here
	b.syncsTopic("mm2-offset-syncs.elsewhere.internal", 5, 90) // nor there
	b.create("mm2-offset-syncs.empty.internal", 1, 1)          //
	b.create("mm2-offset-syncs.other.internal", 1, 1)          // of other topics
	b.put("mm2-offset-syncs.other.internal", 0, syncRecord("payments", 0, 1, 1))
	b.create("mm2-offset-syncs.junk.internal", 1, 1)
	b.put("mm2-offset-syncs.junk.internal", 0, junk("hello"))
	for alias, topic := range map[string]string{"north": "payments", "west": "orders"} {
		b.create(alias+".checkpoints.internal", 1, 1)
		b.put(alias+".checkpoints.internal", 0, checkpointRecordOf("g", topic, 0, 1, 1))
	}
	l := locate(t, a, b, nil)
	if l.Syncs == nil || l.Syncs.Topic != "mm2-offset-syncs.east.internal" || l.Syncs.On != replicator.Primary || l.Syncs.Same != 2 || l.Problem != "" {
		t.Fatalf("%+v, %s", l.Syncs, l.Problem)
	}
	if !slices.Equal(l.Syncs.Topics(), []string{"orders"}) || len(l.All) != 7 || l.Checkpoints != "west.checkpoints.internal" {
		t.Errorf("%+v", l)
	}
	want := []string{"north.internal on the primary says of 2 of 2 records", "south.internal on the primary names offsets that one side does not have, for 2 of 2",
		"elsewhere.internal on the secondary names offsets", "empty.internal on the secondary is empty", "other.internal on the secondary names none",
		"junk.internal on the secondary is not an offset-syncs topic: 1 of 1"}
	for _, w := range want {
		if all := l.why(); !strings.Contains(all, w) {
			t.Errorf("%s\ndoes not say %s", all, w)
		}
	}
}

func TestLocateOnTheSecondary(t *testing.T) {
	a, b := pair(t, "west-orders")
	b.syncsTopic("mm2-offset-syncs-west-internal", 5, 3)
	b.create("west-checkpoints-internal", 1, 1)
	b.put("west-checkpoints-internal", 0, checkpointRecordOf("g", "west-orders", 0, 1, 1))
	b.create("more-checkpoints-internal", 1, 1)
	b.put("more-checkpoints-internal", 0, checkpointRecordOf("g", "west-orders", 0, 1, 1), checkpointRecordOf("h", "west-orders", 0, 1, 1))
	renamed := func(o *LocateOptions) {
		o.Name = func(n string) (string, bool) { return "west-" + n, n == "orders" }
	}
	l := locate(t, a, b, renamed)
	if l.Syncs == nil || l.Syncs.On != replicator.Secondary || l.Syncs.Alias != "west" || l.Syncs.Separator != "-" || l.Checkpoints != "west-checkpoints-internal" {
		t.Fatalf("%+v %+v", l.Syncs, l)
	}
	if l = locate(t, a, b, func(o *LocateOptions) { renamed(o); o.SyncsOn = "primary" }); l.Syncs != nil || !strings.Contains(l.Problem, "no offset-syncs topic") {
		t.Errorf("found %+v %s", l.Syncs, l.Problem)
	}
}

func TestLocateNamed(t *testing.T) {
	a, b := pair(t, "orders")
	a.syncsTopic("syncs", 5, 3)
	a.syncsTopic("mm2-offset-syncs.east.internal", 5, 3)
	a.syncsTopic("mm2-offset-syncs.twin.internal", 5, 3)
	if l := locate(t, a, b, func(o *LocateOptions) { o.SyncsTopic = "syncs" }); l.Syncs == nil || l.Syncs.Topic != "syncs" || l.Problem != "" {
		t.Errorf("%+v %s", l.Syncs, l.Problem)
	}
	if l := locate(t, a, b, func(o *LocateOptions) { o.SyncsTopic = "sinks" }); l.Syncs != nil || !strings.Contains(l.Problem, "there is no topic sinks on either side") {
		t.Errorf("%+v %s", l.Syncs, l.Problem)
	}
	if l := locate(t, a, b, func(o *LocateOptions) { o.SyncsTopic, o.SyncsOn = "orders", "secondary" }); l.Syncs != nil || !strings.Contains(l.Problem, "orders on the secondary is not an offset-syncs topic: 25 of 25") {
		t.Errorf("%+v %s", l.Syncs, l.Problem)
	}
	if l := locate(t, a, b, nil); l.Syncs == nil || !strings.Contains(l.Problem, "fits as well") {
		t.Errorf("%+v %s", l.Syncs, l.Problem)
	}
}

func TestLocateErrors(t *testing.T) {
	a, b := pair(t, "orders")
	b.down = errDown
	if _, err := Locate(t.Context(), LocateOptions{Primary: a, Secondary: b, Name: func(n string) (string, bool) { return n, true }}); err == nil || !strings.Contains(err.Error(), "list the secondary's topics") {
		t.Errorf("%v", err)
	}
	if _, err := Find(t.Context(), b, a); err == nil || !strings.Contains(err.Error(), "list the primary's topics") {
		t.Errorf("%v", err)
	}
}
