package mirror

import (
	"errors"
	"fmt"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// Kafka's error codes that Class does not tell apart.
const (
	invalidProducerEpoch = 47
	producerFenced       = 90
)

// classify says what a failed produce means, with a sentence for people.
func classify(err error) (outcome, string) {
	sentence := err.Error()
	switch kafka.Classify(err) {
	case kafka.Retry, kafka.Refind, kafka.Unreachable:
		return again, sentence
	case kafka.Missing:
		return gone, sentence
	case kafka.TooLarge:
		return smaller, sentence
	case kafka.Canceled:
		return look, sentence
	case kafka.Sequence:
		var e *kafka.Error
		if errors.As(err, &e) && (e.Code == invalidProducerEpoch || e.Code == producerFenced) {
			return fenced, sentence
		}
		return look, sentence
	}
	return refused, fmt.Sprintf("the secondary refuses a batch: %s", sentence)
}
