package kafka

// SASL are the credentials of a connection.
type SASL struct {
	Mechanism Mechanism
	Username  string
	Password  Secret
}

// Mechanism is a SASL mechanism by its Kafka name.
type Mechanism string

const (
	Plain       Mechanism = "PLAIN"
	ScramSHA256 Mechanism = "SCRAM-SHA-256"
	ScramSHA512 Mechanism = "SCRAM-SHA-512"
)

// Mechanisms lists the mechanisms that work.
func Mechanisms() []Mechanism { return []Mechanism{Plain, ScramSHA256, ScramSHA512} }

// Secret is a string that does not print: fmt, zap and encoding/json show [secret].
type Secret string

func (Secret) String() string               { return "[secret]" }
func (Secret) GoString() string             { return "[secret]" }
func (Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }
