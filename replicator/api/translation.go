package api

import "time"

// Query asks where an offset lies on the other side.
type Query struct {
	Link      string `json:"link"` // empty: the only one
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Reverse   bool   `json:"reverse,omitempty"` // secondary → primary; Topic is then the secondary's name
}

// Translation is GET /translate.
type Translation struct {
	Query
	ToTopic       string `json:"to_topic,omitempty"`
	Position      *int64 `json:"position"` // null where there is none
	Confidence    string `json:"confidence"`
	RereadRecords *int64 `json:"reread_records"`
	Pending       bool   `json:"pending"` // a better position is being looked for
	Reason        string `json:"reason,omitempty"`
	Detail        string `json:"detail,omitempty"` // of the reason, or of a floor: what would make it exact
}

// Reclaim is the body of POST /reclaim.
type Reclaim struct {
	Link  string `json:"link"` // empty: the only one
	Group string `json:"group"`
	Who   string `json:"who,omitempty"`
	Why   string `json:"why,omitempty"`
}

// Reclaimed is its answer.
type Reclaimed struct {
	Link    string    `json:"link"`
	Group   string    `json:"group"`
	Verdict string    `json:"verdict"`
	At      time.Time `json:"at"`
	Why     string    `json:"why"`
}

// Readiness is GET /readyz.
type Readiness struct {
	Ready bool        `json:"ready"`
	Links []LinkReady `json:"links"`
}

// LinkReady says why a link is not ready.
type LinkReady struct {
	Name  string `json:"name"`
	Ready bool   `json:"ready"`
	Why   string `json:"why,omitempty"`
}

// Problem is the body of every answer that is not 2xx.
type Problem struct {
	Message string `json:"error"`
	Hint    string `json:"hint,omitempty"`
}
