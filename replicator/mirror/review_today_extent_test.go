package mirror

import (
	"context"
	"fmt"
	"testing"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// A topic that rested for as long as its records are kept has none left on either side: nothing of it can be without a copy. One that has records
// on the primary may have any number that were never copied.
func TestReviewTodayExtentOfATopicThatExpired(t *testing.T) {
	for _, left := range []int64{0, 1} {
		first, second := &fakeLog{cut: 7}, &fakeLog{cut: 5}
		for i := range 10 {
			c := cell{kind: data, pid: -1, record: kafka.Record{Value: fmt.Append(nil, i)}, origin: int64(i)}
			first.cells, second.cells = append(first.cells, c), append(second.cells, c)
		}
		first.start, second.start = 10-left, 10
		got, err := unindexed(first, second, nil).extent(context.Background(), 10)
		if err != nil || got.To != first.start || len(got.Missing) > 0 || got.Unproven != (left > 0) {
			t.Errorf("with %d records on the primary: %+v, %v", left, got, err)
		}
	}
}
