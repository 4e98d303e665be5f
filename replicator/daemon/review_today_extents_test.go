package daemon

import (
	"errors"
	"testing"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/mirror"
)

// A look at records that takes hours and fails at one partition is gone on with: what was found is not looked for again. Of a topic that was made
// anew since, nothing was found.
func TestReviewTodayLookGoesOn(t *testing.T) {
	l := newLink(Link{Name: "l", Rename: func(topic string) (string, bool) { return topic, true }}, zap.NewNop())
	defer l.close()
	l.index = emptyIndex(t)
	g := ground{l, &running{memory: newPaperMemory(&paper{})}}
	orders := kafka.TopicPartition{Topic: "orders"}
	done, failed := part{orders, "a"}, part{kafka.TopicPartition{Topic: "audit"}, "b"}
	over := make(chan struct{})
	close(over)
	l.home.extents = &extents{id: "home", stop: func() {}, done: over, parts: []part{done, failed}, of: map[part]mirror.Extent{done: {To: 7}}, err: errors.New("no leader")}
	if _, _, err := g.extents(t.Context(), "home", []part{done, failed}, nil); err == nil {
		t.Fatal("it did not fail")
	}
	var got map[kafka.TopicPartition]mirror.Extent
	for range 2 { // begun, and answered
		var err error
		if got, _, err = g.extents(t.Context(), "home", []part{done}, nil); err != nil {
			t.Fatal(err)
		}
		<-l.home.extents.done
	}
	if got[orders].To != 7 {
		t.Errorf("found %+v", got)
	}
	if l.home.extents.lookAt([]part{{orders, "c"}}) {
		t.Error("what was found of another topic counts")
	}
}
