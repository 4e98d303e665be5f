package drill

import (
	"context"
	"crypto/ed25519"
	"math/rand/v2"
	"time"
)

// Options of a drill. Link and Version are for the report; everything else has a default.
type Options struct {
	Link, Version, Mapping string
	// PrimaryName and SecondaryName are what the configuration calls the clusters.
	PrimaryName, SecondaryName string
	// Groups says which groups are followed; nil: all. Shadow groups never are.
	Groups func(group string) bool
	// Rename is a topic's name on the secondary, false where it is not followed, and Invert the way back; nil: all, same names.
	Rename, Invert func(topic string) (string, bool)
	// Group and Topic (of the primary) narrow that down.
	Group, Topic string
	// Sample is how many positions are checked, taken at random; 0: all.
	Sample int
	Seed   uint64
	// Below and Above are how many records are compared around a position. Defaults 5 and 20.
	Below, Above int
	// Parallel is how many groups resume at once. Default 16.
	Parallel int
	// RPO and RTO are targets: no record older than RPO may be missing on the secondary, and no group may take longer than RTO
	// to resume. 0: no target.
	RPO, RTO time.Duration
	// Plan asks leftoff how sure it is of its positions; nil, or an error: unknown.
	Plan func(ctx context.Context) (Plan, error)
	// Key signs the report; nil: nobody.
	Key ed25519.PrivateKey
	// Progress is told what is being done.
	Progress func(what string)
	// Wait bounds each single question to a cluster. Default 15 s.
	Wait time.Duration
	Now  func() time.Time
}

// Key names a position, by the primary's topic.
type Key struct {
	Group, Topic string
	Partition    int32
}

// Plan is what leftoff thinks.
type Plan struct {
	From      string // daemon, or once
	Positions map[Key]Planned
	// LetGo are groups that leftoff leaves alone on the secondary, with the reason: they live there.
	LetGo map[string]string
}

// Planned is its opinion of a position.
type Planned struct {
	Confidence string
	Reread     *int64
}

func (o *Options) setDefaults() {
	if o.Groups == nil {
		o.Groups = func(string) bool { return true }
	}
	same := func(topic string) (string, bool) { return topic, true }
	if o.Rename == nil {
		o.Rename = same
	}
	if o.Invert == nil {
		o.Invert = same
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Wait <= 0 {
		o.Wait = 15 * time.Second
	}
	if o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	for _, d := range []struct {
		of      *int
		instead int
	}{{&o.Below, 5}, {&o.Above, 20}, {&o.Parallel, 16}} {
		if *d.of <= 0 {
			*d.of = d.instead
		}
	}
}

// follows says whether a group is one to be drilled.
func (o *Options) follows(group string) bool {
	if _, made := drillOf(group); made {
		return false
	}
	return (o.Group == "" || o.Group == group) && o.Groups(group)
}

// there is a topic's name on the secondary.
func (o *Options) there(topic string) (string, bool) {
	if o.Topic != "" && o.Topic != topic {
		return "", false
	}
	return o.Rename(topic)
}

// here is the way back.
func (o *Options) here(there string) (string, bool) {
	topic, ok := o.Invert(there)
	if !ok {
		return "", false
	}
	again, ok := o.there(topic)
	return topic, ok && again == there
}
