package configs

import "time"

// Config is a whole file.
type Config struct {
	Clusters map[string]Cluster `yaml:"clusters"`
	Links    []Link             `yaml:"links"`
	DataDir  string             `yaml:"data_dir"`
	HTTP     string             `yaml:"http"` // host:port, or "none"
	Metrics  Metrics            `yaml:"metrics"`
}

// Cluster says how to reach a cluster, and as whom.
type Cluster struct {
	Brokers        []string      `yaml:"brokers"`
	TLS            *TLS          `yaml:"tls"`
	SASL           *SASL         `yaml:"sasl"`
	ClientID       string        `yaml:"client_id"`
	DialTimeout    time.Duration `yaml:"dial_timeout"`
	RequestTimeout time.Duration `yaml:"request_timeout"`
}

// TLS turns encryption on; an empty one trusts the system's authorities.
type TLS struct {
	CAFile     string `yaml:"ca_file"`
	CertFile   string `yaml:"cert_file"`
	KeyFile    string `yaml:"key_file"`
	ServerName string `yaml:"server_name"`
	SkipVerify bool   `yaml:"skip_verify"`
}

// SASL turns authentication on. The password comes from exactly one of the three.
type SASL struct {
	Mechanism    string `yaml:"mechanism"`
	Username     string `yaml:"username"`
	Password     Secret `yaml:"password"`
	PasswordFile string `yaml:"password_file"`
	PasswordEnv  string `yaml:"password_env"`

	resolved Secret
}

// Link is one primary → secondary pair with its mapping.
type Link struct {
	Name        string `yaml:"name"`
	RenamedFrom string `yaml:"renamed_from"` // the name it had before; what is kept of that on the secondary is its own
	Primary     string `yaml:"primary"`
	Secondary   string `yaml:"secondary"`
	Mapping     string `yaml:"mapping"`
	Topics      Topics `yaml:"topics"`
	Groups      Groups `yaml:"groups"`
	Policy      Policy `yaml:"policy"`
	Mirror      Mirror `yaml:"mirror"`
	Match       Match  `yaml:"match"`
	MM2         MM2    `yaml:"mm2"`
	Drill       Drill  `yaml:"drill"`
}

// Mirror holds what only mapping mirror knows.
type Mirror struct {
	ReadUncommitted bool `yaml:"read_uncommitted"`
}

// Match holds what mappings know that compare records: match, mm2 and auto.
type Match struct {
	MegabytesPerSecond int `yaml:"megabytes_per_second"`
	BatchesInFlight    int `yaml:"batches_in_flight"`
}

// MM2 holds what only mapping mm2 (and auto) knows.
type MM2 struct {
	SyncsTopic string `yaml:"syncs_topic"`
	SyncsOn    string `yaml:"syncs_on"`
}

// Topics chooses the primary's topics, and says what they are called on the secondary.
type Topics struct {
	Include []string `yaml:"include"`
	Exclude []string `yaml:"exclude"`
	Rename  Rename   `yaml:"rename"`
}

// Groups chooses consumer groups.
type Groups struct {
	Include []string `yaml:"include"`
	Exclude []string `yaml:"exclude"`
}

// Policy holds the choices of docs/architecture.md.
type Policy struct {
	Rewind       string `yaml:"rewind"`
	Tombstones   string `yaml:"tombstones"`
	FirstContact string `yaml:"first_contact"`
	Unmapped     string `yaml:"unmapped"`
	After        After  `yaml:"after"`
}

// Metrics says how much /metrics tells.
type Metrics struct {
	PerGroup bool `yaml:"per_group"`
}

// The mappings of this version.
const (
	MappingMirror   = "mirror"
	MappingIdentity = "identity"
	MappingMM2      = "mm2"
	MappingMatch    = "match"
	MappingAuto     = "auto"
)

// NoHTTP is the value of http that starts no server.
const NoHTTP = "none"
