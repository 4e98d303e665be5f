package acceptance

import (
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator/failover"
)

// Bad input that clusters notice: the real binary says what to do, and writes nothing to the secondary on a guess.
func TestBadClusters(t *testing.T) {
	rig.Require(t)
	t.Parallel()
	primary, secondary := rig.StartTwo(t, rig.Options{Name: "primary"}, rig.Options{
		Name: "secondary", Security: &rig.Security{Users: map[string]string{"leftoff": "right"}, ACLs: true},
	})
	b := &badClusters{build(t), primary, secondary}
	t.Run("wrong password", b.wrongPassword)
	t.Run("the same cluster twice", b.sameTwice)
	t.Run("another cluster than last time", b.anotherCluster)
	t.Run("index of another link", b.otherIndex)
	t.Run("differing partition counts", b.differingPartitions)
	t.Run("missing permissions", b.missingPermissions)
}

type badClusters struct {
	leftoff            program
	primary, secondary *rig.Cluster
}

// untouched asserts at the end of a test that both clusters are as they were: what takes one for the other writes on the primary.
func (b *badClusters) untouched(t *testing.T) {
	t.Helper()
	for _, c := range []*rig.Cluster{b.primary, b.secondary} {
		before := contents(t, c)
		t.Cleanup(func() {
			if after := contents(t, c); after != before {
				t.Errorf("cluster %s was\n%s, and is\n%s", c.ID(), before, after)
			}
		})
	}
}

// topic is one with ten records on the primary, and a group in the middle of it.
func (b *badClusters) topic(t *testing.T, partitions int32) (prefix, topic, group string) {
	t.Helper()
	prefix = rig.Name(t, "bad") + "."
	topic, group = prefix+"payments", prefix+"group"
	b.primary.CreateTopic(t, topic, partitions, nil)
	fill(t, b.primary, topic, 0, 10, 0)
	commit(t, b.primary, group, topic, map[int32]int64{0: 5})
	return prefix, topic, group
}

func (b *badClusters) wrongPassword(t *testing.T) {
	b.untouched(t)
	path := config{primary: b.primary.Bootstrap(), secondary: b.secondary.Brokers(rig.SASL), password: "wrong"}.write(t)
	b.leftoff.start(t, "run", "-c", path).ends(20*time.Second, 2, "east", "password", "Try: check user name and password")
	b.leftoff.start(t, "plan", "-c", path).ends(20*time.Second, 2, "password", "Try:")
}

func (b *badClusters) sameTwice(t *testing.T) {
	b.untouched(t)
	// By two listeners, so that no look at the file can tell.
	path := config{primary: b.secondary.Bootstrap(), secondary: b.secondary.Direct()}.write(t)
	b.leftoff.start(t, "run", "-c", path).ends(20*time.Second, 2, "same cluster", b.secondary.ID(), "Try:")
}

func (b *badClusters) anotherCluster(t *testing.T) {
	prefix, topic, group := b.topic(t, 1)
	c := config{primary: b.primary.Bootstrap(), secondary: b.secondary.Bootstrap(), prefix: prefix, dataDir: t.TempDir()}
	d := b.leftoff.start(t, "run", "-c", c.write(t))
	kept := func() bool { e, ok := endsOf(b.secondary, failover.Topic); return ok && total(e) > 0 }
	if !eventually(30*time.Second, func() bool { return committed(t, b.secondary, group, topic)[0] == 5 && kept() }) {
		t.Fatal("nothing arrived")
	}
	d.cmd.Process.Kill()
	<-d.ended
	b.untouched(t)
	c.primary, c.secondary = c.secondary, c.primary // somebody mixed them up
	for _, command := range []string{"run", "plan"} {
		b.leftoff.start(t, command, "-c", c.write(t)).ends(20*time.Second, 2, b.primary.ID(), b.secondary.ID(), "another link", "Try:")
	}
	c.dataDir = t.TempDir() // and the machine is a new one
	b.leftoff.start(t, "run", "-c", c.write(t)).ends(20*time.Second, 2, b.primary.ID(), b.secondary.ID(), "the other way round", "Try:")
}

func (b *badClusters) otherIndex(t *testing.T) {
	b.untouched(t)
	c := config{primary: b.primary.Bootstrap(), secondary: b.secondary.Bootstrap(), prefix: "nothing", dataDir: t.TempDir()}
	newIndex(t, c.dataDir, checkpoint.Link{Name: "west-east", PrimaryClusterID: "north", SecondaryClusterID: "south"})
	b.leftoff.start(t, "run", "-c", c.write(t)).ends(20*time.Second, 2, "another link", filepath.Join(c.dataDir, "west-east.db"), "Try:")
}

func (b *badClusters) differingPartitions(t *testing.T) {
	prefix, topic, _ := b.topic(t, 2)
	b.secondary.CreateTopic(t, topic, 3, nil)
	b.untouched(t)
	path := config{primary: b.primary.Bootstrap(), secondary: b.secondary.Bootstrap(), prefix: prefix, mapping: "identity"}.write(t)
	d := b.leftoff.start(t, "run", "-c", path)
	b.leftoff.says(t, d, 30*time.Second, "status", "partition_mismatch", "2 partitions on the primary, 3 on the secondary", "Try:")
	b.leftoff.says(t, d, 10*time.Second, "plan", "partition_mismatch", "hold")
}

// The user may read the topic on the secondary, and nothing else. It is granted what
// status asks for, one right after the other, until the commit arrives: no restart, and nothing lost.
func (b *badClusters) missingPermissions(t *testing.T) {
	prefix, topic, group := b.topic(t, 1)
	before := contents(t, b.secondary)
	path := config{primary: b.primary.Bootstrap(), secondary: b.secondary.Brokers(rig.SASL), password: "right", prefix: prefix}.write(t)
	b.secondary.Grant(t, "leftoff", rig.Topic(topic), kmsg.ACLOperationRead)
	d := b.leftoff.start(t, "run", "-c", path)
	granted := grants{}
	arrived := func() bool {
		if committed(t, b.secondary, group, topic)[0] == 5 && endIs(b.secondary, topic, 10) {
			return true
		}
		said := b.leftoff.asks(t, d, "status")
		for _, m := range wantsACL.FindAllStringSubmatch(said, -1) {
			want := acl{m[1], m[2], m[3]}
			if granted[want] {
				continue
			}
			if len(granted) == 0 && contents(t, b.secondary) != before {
				t.Error("written without a right to")
			}
			t.Logf("%v after the start, status asks for %v:\n%s", time.Since(d.began).Round(time.Millisecond), want, said)
			want.grant(t, b.secondary)
			granted[want] = true
		}
		return false
	}
	if !eventually(90*time.Second, arrived) {
		t.Fatalf("it does not go on by itself after %v:\n%s", granted, b.leftoff.asks(t, d, "status"))
	}
	t.Logf("arrived %v after the start", time.Since(d.began).Round(time.Millisecond))
	for _, must := range []acl{
		{"Read", "topic", "__consumer_offsets"}, {"Create", "topic", topic}, {"DescribeConfigs", "topic", topic}, {"Write", "topic", topic}, {"Read", "group", group},
	} {
		if !granted[must] {
			t.Errorf("%v was never asked for", must)
		}
	}
	if n := recordsOf(t, b.secondary, topic); n != 10 {
		t.Errorf("%d of 10 records", n)
	}
	b.leftoff.says(t, d, 30*time.Second, "status", "1 exact")
}

var wantsACL = regexp.MustCompile(`kafka-acls --add --allow-principal User:leftoff --operation (\w+) --(topic|group|cluster)(?: +(\S+))?`)

// acl is a right that a message asks for.
type acl struct{ operation, kind, name string }

type grants map[acl]bool

func (a acl) grant(t *testing.T, c *rig.Cluster) {
	t.Helper()
	op, ok := map[string]kmsg.ACLOperation{
		"Read": kmsg.ACLOperationRead, "Write": kmsg.ACLOperationWrite, "Create": kmsg.ACLOperationCreate, "Alter": kmsg.ACLOperationAlter,
		"Describe": kmsg.ACLOperationDescribe, "IdempotentWrite": kmsg.ACLOperationIdempotentWrite, "DescribeConfigs": kmsg.ACLOperationDescribeConfigs,
	}[a.operation]
	if !ok {
		t.Fatalf("unknown operation %s", a.operation)
	}
	on := rig.Topic(a.name)
	switch a.kind {
	case "group":
		on = rig.Group(a.name)
	case "cluster":
		on = rig.ClusterWide()
	}
	c.Grant(t, "leftoff", on, op)
}
