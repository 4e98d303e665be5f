package story

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	paymentsTopic    = "payments"
	settlementsTopic = "settlements"
	partitions       = 3
)

// payment is one payment. Its number is unique over both regions.
type payment struct {
	Number  int64  `json:"number"`
	Account string `json:"account"`
	Cents   int64  `json:"cents"`
}

func newPayment(number int64, random *rand.Rand) payment {
	return payment{Number: number, Account: fmt.Sprintf("A-%04d", random.IntN(1000)), Cents: 1 + random.Int64N(50_000)}
}

func (p payment) record(topic string) *kgo.Record {
	value, _ := json.Marshal(p) // strings and numbers: cannot fail
	return &kgo.Record{Topic: topic, Key: []byte(p.Account), Value: value}
}

func parsePayment(r *kgo.Record) (payment, error) {
	var p payment
	if err := json.Unmarshal(r.Value, &p); err != nil {
		return p, fmt.Errorf("%s/%d at %d: not a payment: %w", r.Topic, r.Partition, r.Offset, err)
	}
	return p, nil
}
