package rig

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

func TestJavaConsumerResumes(t *testing.T) {
	t.Parallel()
	c, _ := Shared(t)
	resumes(t, c)
}

func TestJavaConsumerResumesOnOlderKafka(t *testing.T) {
	t.Parallel()
	RequireSoak(t)
	resumes(t, Start(t, Options{Version: V39}))
}

// resumes tries both protocols: consume a few, commit, leave, and go on exactly
// there.
func resumes(t *testing.T, c *Cluster) {
	for _, protocol := range []string{Classic, KIP848} {
		t.Run(protocol, func(t *testing.T) {
			topic, group := Name(t, "orders"), Name(t, "payments")
			c.CreateTopic(t, topic, 1, nil)
			cl := c.Client(t)
			for i := range 20 {
				r := &kgo.Record{Topic: topic, Value: fmt.Append(nil, i)}
				if err := cl.ProduceSync(t.Context(), r).FirstErr(); err != nil {
					t.Fatal(err)
				}
			}
			o := ConsumerOptions{Group: group, Topics: []string{topic}, Protocol: protocol, Reset: "earliest", Limit: 7}
			first := StartJavaConsumer(t, c, o)
			got := first.WaitRecords(t, 7)
			want := Consumed{topic, 0, 6, "-", Sum([]byte("6"))}
			if len(got) != 7 || got[6] != want {
				t.Errorf("delivered %d, the last %+v, want 7 and %+v", len(got), got[6], want)
			}
			first.Commit(t)
			if o, ok := first.Committed(topic, 0); !ok || o != 7 {
				t.Errorf("committed %d %v, want 7", o, ok)
			}
			if o, _ := first.Position(topic, 0); o != 0 {
				t.Errorf("started at %d, want 0", o)
			}
			first.Close(t)

			o.Reset, o.Limit, o.CommitEvery = "", 0, 1
			second := StartJavaConsumer(t, c, o)
			second.WaitAssigned(t, 1)
			if got := second.WaitRecords(t, 13); got[0].Offset != 7 || len(got) != 13 {
				t.Errorf("%d records from %d, want 13 from 7", len(got), got[0].Offset)
			}
			second.Kill()
		})
	}
}

// Several in one process are consumers of their own: one fails, one leaves, and the others go on.
func TestJavaConsumersInOneProcess(t *testing.T) {
	t.Parallel()
	c, _ := Shared(t)
	topic, group := Name(t, "orders"), Name(t, "payments")
	c.CreateTopic(t, topic, 1, nil)
	cl := c.Client(t)
	for i := range 20 {
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: fmt.Append(nil, i)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	o := func(name, protocol string, limit int) ConsumerOptions {
		return ConsumerOptions{Group: group + name, Topics: []string{topic}, Protocol: protocol, Reset: "earliest", Limit: limit}
	}
	lost, auto := o("-lost", Classic, 0), o("-auto", KIP848, 9)
	lost.Reset, auto.Props = "none", map[string]string{"enable.auto.commit": "true"}
	all := StartJavaConsumers(t, c, o("-classic", Classic, 7), o("-consumer", KIP848, 8), lost, auto)
	if all[2].WaitFailure(t) == "" {
		t.Error("no offset, no reset policy, no error")
	}
	for i, want := range map[int]int64{0: 7, 1: 8, 3: 9} {
		all[i].WaitRecords(t, int(want))
		if last, ok := all[i].Delivered(topic, 0); !ok || last != want-1 {
			t.Errorf("consumer %d is at %d %v, want %d", i, last, ok, want-1)
		}
	}
	all[0].Leave(t)
	all[3].Leave(t)
	all[1].Limit(t, 5)
	all[1].WaitRecords(t, 13)
	all[1].Leave(t)
	for name, want := range map[string]int64{"-classic": 7, "-consumer": 13, "-auto": 9} {
		fetched, err := c.Admin().FetchOffsets(t.Context(), group+name)
		if err != nil {
			t.Fatal(err)
		}
		if at, ok := fetched.Lookup(topic, 0); !ok || at.At != want {
			t.Errorf("%s left %d %v, want %d", name, at.At, ok, want)
		}
	}
}

func TestJavaConsumerWithoutOffsetSaysSo(t *testing.T) {
	t.Parallel()
	c, _ := Shared(t)
	topic := Name(t, "orders")
	c.CreateTopic(t, topic, 1, nil)
	j := StartJavaConsumer(t, c, ConsumerOptions{Group: Name(t, "nobody"), Topics: []string{topic}})
	if got := j.WaitFailure(t); got == "" {
		t.Error("no offset, no reset policy, no error")
	}
}
