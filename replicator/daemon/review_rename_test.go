package daemon_test

import (
	"testing"

	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/replicator/daemon"
)

// The secondary's own log speaks of the secondary's names: a link must know the way back.
func TestRenamedTopicsHaveAWayBack(t *testing.T) {
	links, err := daemon.FromConfig(configs.Config{
		Clusters: map[string]configs.Cluster{"west": {Brokers: []string{"w:9092"}}, "east": {Brokers: []string{"e:9092"}}},
		Links: []configs.Link{{
			Name: "west-east", Primary: "west", Secondary: "east", Mapping: "identity",
			Topics: configs.Topics{Include: []string{"pay.*"}, Rename: configs.Rename{Prefix: "west."}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	there, ok := links[0].Rename("payments")
	if back, copied := links[0].Invert(there); !ok || there != "west.payments" || !copied || back != "payments" {
		t.Fatalf("%s (%v) and back %s (%v)", there, ok, back, copied)
	}
	if name, copied := links[0].Invert("payments"); copied {
		t.Fatalf("the secondary's own payments was taken for a copy of %s", name)
	}
}
