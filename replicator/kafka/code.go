package kafka

import (
	"fmt"

	"github.com/IBM/sarama"
)

// brokerError is an error code a broker answered, under the name that Kafka's documentation uses.
type brokerError struct {
	code    int16
	message string // the broker's own words, may be empty
}

func (e *brokerError) Error() string {
	name := codes[e.code].name
	if name == "" {
		name = fmt.Sprintf("error code %d", e.code)
	}
	if e.message != "" {
		return name + " (" + e.message + ")"
	}
	return name
}

// Is lets errors.Is find the sentinel of a code.
func (e *brokerError) Is(target error) bool {
	is := codes[e.code].is
	return is != nil && is == target
}

type code struct {
	name  string
	class Class
	is    error
}

// codes is what this package knows of Kafka's error codes (Errors.java). Unknown ones are Fatal.
var codes = map[int16]code{
	-1:  {name: "UNKNOWN_SERVER_ERROR", class: Retry},
	1:   {name: "OFFSET_OUT_OF_RANGE", class: OutOfRange, is: ErrOffsetOutOfRange},
	2:   {name: "CORRUPT_MESSAGE", class: Retry, is: ErrCorrupt},
	3:   {name: "UNKNOWN_TOPIC_OR_PARTITION", class: Missing, is: ErrUnknownTopic},
	5:   {name: "LEADER_NOT_AVAILABLE", class: Refind},
	6:   {name: "NOT_LEADER_OR_FOLLOWER", class: Refind},
	7:   {name: "REQUEST_TIMED_OUT", class: Retry},
	8:   {name: "BROKER_NOT_AVAILABLE", class: Refind},
	9:   {name: "REPLICA_NOT_AVAILABLE", class: Refind},
	10:  {name: "MESSAGE_TOO_LARGE", class: TooLarge},
	12:  {name: "OFFSET_METADATA_TOO_LARGE", class: MetadataTooLarge},
	13:  {name: "NETWORK_EXCEPTION", class: Retry},
	14:  {name: "COORDINATOR_LOAD_IN_PROGRESS", class: Retry},
	15:  {name: "COORDINATOR_NOT_AVAILABLE", class: Refind},
	16:  {name: "NOT_COORDINATOR", class: Refind},
	17:  {name: "INVALID_TOPIC_EXCEPTION"},
	18:  {name: "RECORD_LIST_TOO_LARGE", class: TooLarge},
	19:  {name: "NOT_ENOUGH_REPLICAS", class: Retry},
	20:  {name: "NOT_ENOUGH_REPLICAS_AFTER_APPEND", class: Retry},
	22:  {name: "ILLEGAL_GENERATION", class: Live},
	24:  {name: "INVALID_GROUP_ID"},
	25:  {name: "UNKNOWN_MEMBER_ID", class: Live},
	27:  {name: "REBALANCE_IN_PROGRESS", class: Live},
	28:  {name: "INVALID_COMMIT_OFFSET_SIZE", class: TooLarge},
	29:  {name: "TOPIC_AUTHORIZATION_FAILED", class: Unauthorized, is: ErrUnauthorized},
	30:  {name: "GROUP_AUTHORIZATION_FAILED", class: Unauthorized, is: ErrUnauthorized},
	31:  {name: "CLUSTER_AUTHORIZATION_FAILED", class: Unauthorized, is: ErrUnauthorized},
	32:  {name: "INVALID_TIMESTAMP"},
	33:  {name: "UNSUPPORTED_SASL_MECHANISM", class: Credentials, is: ErrAuthentication},
	34:  {name: "ILLEGAL_SASL_STATE", class: Credentials, is: ErrAuthentication},
	35:  {name: "UNSUPPORTED_VERSION"},
	36:  {name: "TOPIC_ALREADY_EXISTS", is: ErrTopicExists},
	37:  {name: "INVALID_PARTITIONS"},
	38:  {name: "INVALID_REPLICATION_FACTOR"},
	40:  {name: "INVALID_CONFIG"},
	41:  {name: "NOT_CONTROLLER", class: Refind},
	42:  {name: "INVALID_REQUEST"},
	43:  {name: "UNSUPPORTED_FOR_MESSAGE_FORMAT"},
	44:  {name: "POLICY_VIOLATION"},
	45:  {name: "OUT_OF_ORDER_SEQUENCE_NUMBER", class: Sequence},
	46:  {name: "DUPLICATE_SEQUENCE_NUMBER", class: Sequence},
	47:  {name: "INVALID_PRODUCER_EPOCH", class: Sequence},
	49:  {name: "INVALID_PRODUCER_ID_MAPPING", class: Sequence},
	51:  {name: "CONCURRENT_TRANSACTIONS", class: Retry},
	53:  {name: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", class: Unauthorized, is: ErrUnauthorized},
	54:  {name: "SECURITY_DISABLED"},
	56:  {name: "KAFKA_STORAGE_ERROR", class: Refind},
	58:  {name: "SASL_AUTHENTICATION_FAILED", class: Credentials, is: ErrAuthentication},
	59:  {name: "UNKNOWN_PRODUCER_ID", class: Sequence},
	60:  {name: "REASSIGNMENT_IN_PROGRESS", class: Retry},
	68:  {name: "NON_EMPTY_GROUP", class: Live},
	69:  {name: "GROUP_ID_NOT_FOUND", class: Share},
	72:  {name: "LISTENER_NOT_FOUND", class: Refind},
	74:  {name: "FENCED_LEADER_EPOCH", class: Refind},
	75:  {name: "UNKNOWN_LEADER_EPOCH", class: Refind},
	76:  {name: "UNSUPPORTED_COMPRESSION_TYPE"},
	78:  {name: "OFFSET_NOT_AVAILABLE", class: Retry},
	82:  {name: "FENCED_INSTANCE_ID", class: Live},
	86:  {name: "GROUP_SUBSCRIBED_TO_TOPIC", class: Live},
	87:  {name: "INVALID_RECORD"},
	88:  {name: "UNSTABLE_OFFSET_COMMIT", class: Retry},
	89:  {name: "THROTTLING_QUOTA_EXCEEDED", class: Retry},
	90:  {name: "PRODUCER_FENCED", class: Sequence},
	100: {name: "UNKNOWN_TOPIC_ID", class: Missing, is: ErrUnknownTopic},
	103: {name: "INCONSISTENT_TOPIC_ID", class: Refind},
	110: {name: "FENCED_MEMBER_EPOCH", class: Live},
	111: {name: "UNRELEASED_INSTANCE_ID", class: Live},
	113: {name: "STALE_MEMBER_EPOCH", class: Live},
}

// ask says what is being asked for: it names things in errors, and the permission it takes in their hints.
type ask struct {
	op   string
	kind resource
	name string
	need string // the ACL operation
}

type resource string

const (
	aTopic   resource = "topic"
	aGroup   resource = "group"
	aCluster resource = "cluster"
)

// answered makes an error of a code; nil for none.
func (c *Cluster) answered(a ask, k sarama.KError, message string) error {
	if k == sarama.ErrNoError {
		return nil
	}
	n := int16(k)
	return &Error{Cluster: c.cfg.Name, Op: a.op, On: a.name, Code: n, Class: codes[n].class, Hint: c.codeHint(a, n), Err: &brokerError{code: n, message: message}}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
