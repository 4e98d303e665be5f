package daemon

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// unlisted is a primary whose topics can't be listed.
type unlisted struct{ *lengths }

func (unlisted) Topics(context.Context, []string) (map[string]kafka.TopicInfo, error) {
	return nil, errors.New("no answer")
}

// Where the list of topics is what commits wait for before they are read, status says so.
func TestListThatDoesNotComeIsSaid(t *testing.T) {
	o := outputsFor(t, "auto", unlisted{}, copiedTo{})
	if _, err := o.list(t.Context()); err == nil {
		t.Fatal("listed")
	}
	if want := []string{"policy after: the primary's topics can't be listed, and before it is known which groups are Kafka Streams applications no commit is read: no answer"}; !slices.Equal(o.notes(), want) {
		t.Errorf("%q", o.notes())
	}
	o.primary = &lengths{ends: map[kafka.TopicPartition]int64{tp("t", 0): 1}}
	if _, err := o.list(t.Context()); err != nil || o.notes() != nil {
		t.Errorf("%v, %q", err, o.notes())
	}
}
