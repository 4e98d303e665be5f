package kafka

import (
	"crypto/tls"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leftoff/leftoff/internal/rig"
)

// TestSecurity goes through every way into a real broker, right and wrong, and through the permissions.
func TestSecurity(t *testing.T) {
	rig.Require(t)
	k := rig.Start(t, rig.Options{Name: "secure", Security: &rig.Security{Users: map[string]string{"joe": "hunter2", "ann": "hunter22"}, ACLs: true}})
	topic := rig.Name(t, "t")
	k.CreateTopic(t, topic, 2, nil)
	for _, user := range []string{"joe", "client"} {
		k.Grant(t, user, rig.Topic(""), kmsg.ACLOperationAll)
		k.Grant(t, user, rig.Group(""), kmsg.ACLOperationAll)
		k.Grant(t, user, rig.ClusterWide(), kmsg.ACLOperationAll)
	}
	k.Grant(t, "ANONYMOUS", rig.Topic(""), kmsg.ACLOperationAll)
	cert, key := k.ClientCert(t, "client")
	encrypted := loadTLS(t, TLSFiles{CAFile: k.CAFile()})
	mutual := loadTLS(t, TLSFiles{CAFile: k.CAFile(), CertFile: cert, KeyFile: key})
	joe := func(m Mechanism, password string) *SASL {
		return &SASL{Mechanism: m, Username: "joe", Password: Secret(password)}
	}
	for name, way := range map[string]struct {
		listener rig.Listener
		tls      *tls.Config
		sasl     *SASL
	}{
		"PLAIN":             {rig.SASL, nil, joe(Plain, "hunter2")},
		"SCRAM-SHA-256":     {rig.SASL, nil, joe(ScramSHA256, "hunter2")},
		"SCRAM-SHA-512":     {rig.SASL, nil, joe(ScramSHA512, "hunter2")},
		"TLS":               {rig.TLS, encrypted, nil},
		"mTLS":              {rig.MTLS, mutual, nil},
		"SCRAM-512 and TLS": {rig.SASLTLS, encrypted, joe(ScramSHA512, "hunter2")},
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t, k.Brokers(way.listener), func(c *Config) { c.TLS, c.SASL = way.tls, way.sasl })
			worksThrough(t, c, topic, rig.Name(t, "group"))
		})
	}
	for name, way := range map[string]struct {
		listener rig.Listener
		tls      *tls.Config
		sasl     *SASL
		class    Class
		say      string
	}{
		"wrong PLAIN password":     {rig.SASL, nil, joe(Plain, "hunter"), Credentials, `check user name and password of "joe"`},
		"wrong SCRAM-256 password": {rig.SASL, nil, joe(ScramSHA256, "hunter"), Credentials, `check user name and password of "joe"`},
		"wrong SCRAM-512 password": {rig.SASLTLS, encrypted, joe(ScramSHA512, "hunter"), Credentials, `check user name and password of "joe"`},
		"no password":              {rig.SASL, nil, nil, Unreachable, "sasl"},
		"needless password":        {rig.Plain, nil, joe(Plain, "hunter2"), Credentials, "leave sasl out"},
		"unknown mechanism":        {rig.SASL, nil, joe("SCRAM-SHA-1", "hunter2"), Credentials, "one of [PLAIN"},
		"no TLS":                   {rig.TLS, nil, nil, 0, "turn tls on"},
		"needless TLS":             {rig.Plain, encrypted, nil, Unreachable, "leave tls out"},
		"unknown authority":        {rig.TLS, &tls.Config{}, nil, Credentials, "tls.ca_file"},
		"no client certificate":    {rig.MTLS, encrypted, nil, Credentials, "tls.cert_file"},
	} {
		t.Run(name, func(t *testing.T) {
			err := refused(t, k.Brokers(way.listener)[0], func(c *Config) { c.TLS, c.SASL = way.tls, way.sasl })
			if way.class == 0 {
				way.class = Classify(err) // TLS says so or hangs up
			}
			says(t, err, way.class, way.say)
			t.Log(err)
		})
	}
	t.Run("permissions", func(t *testing.T) {
		c := open(t, k.Brokers(rig.SASL), func(c *Config) {
			c.SASL = &SASL{Mechanism: Plain, Username: "ann", Password: "hunter22"}
		})
		lacksPermissions(t, k, c, topic)
	})
}

func loadTLS(t *testing.T, f TLSFiles) *tls.Config {
	t.Helper()
	cfg, err := f.Load()
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// worksThrough does one of everything.
func worksThrough(t *testing.T, c *Cluster, topic, group string) {
	t.Helper()
	id := mustInit(t, c)
	p := c.NewProducer(ProducerOptions{})
	defer p.Close()
	tp := TopicPartition{topic, 0}
	var a answers
	p.Produce(tp, batchOf(id, tp, 0, 10), a.done(0))
	got, _ := a.wait(t, 1)
	if got[0].Err != nil {
		t.Fatal(got[0].Err)
	}
	if _, err := c.FetchOne(within(t), tp, got[0].BaseOffset, 1); err != nil {
		t.Error(err)
	}
	m := c.NewCommitter(CommitterOptions{})
	defer m.Close()
	results, err := m.Commit(within(t), group, time.Hour, commits(topic, 1, 2))
	if err = errors.Join(append(results, err)...); err != nil {
		t.Error(err)
	}
}

// lacksPermissions asks for things that ann may not have, and grants each one afterwards to see that the hint was right.
func lacksPermissions(t *testing.T, k *rig.Cluster, c *Cluster, topic string) {
	tp := TopicPartition{topic, 0}
	at, _ := c.ListOffsets(within(t), Latest, []TopicPartition{tp})
	says(t, at[tp].Err, Unauthorized, "--allow-principal User:ann --operation Describe --topic "+topic)
	k.Grant(t, "ann", rig.Topic(topic), kmsg.ACLOperationDescribe)
	if at, err := c.ListOffsets(within(t), Latest, []TopicPartition{tp}); err != nil || at[tp].Err != nil {
		t.Fatal(at, err)
	}
	_, err := c.FetchOne(within(t), tp, 0, 1)
	says(t, err, Unauthorized, "--operation Read --topic "+topic)

	m := c.NewCommitter(CommitterOptions{})
	defer m.Close()
	group := rig.Name(t, "group")
	results, _ := m.Commit(within(t), group, time.Hour, commits(topic, 1))
	says(t, results[0], Unauthorized, "--allow-principal User:ann --operation", "--group "+group)
	k.Grant(t, "ann", rig.Group(group), kmsg.ACLOperationRead)
	results, _ = m.Commit(within(t), group, time.Hour, commits(topic, 1))
	says(t, results[0], Unauthorized, "--operation Read --topic "+topic)
	k.Grant(t, "ann", rig.Topic(topic), kmsg.ACLOperationRead)
	results, err = m.Commit(within(t), group, time.Hour, commits(topic, 1))
	if err = errors.Join(append(results, err)...); err != nil {
		t.Fatal(err)
	}
	if _, err := c.FetchOne(within(t), tp, 0, 1); err != nil {
		t.Error(err)
	}

	p := c.NewProducer(ProducerOptions{})
	defer p.Close()
	var a answers
	p.Produce(tp, batchOf(ProducerID{1 << 40, 0}, tp, 0, 1), a.done(0))
	got, _ := a.wait(t, 1)
	says(t, got[0].Err, Unauthorized, "--operation Write --topic "+topic)
	_, err = c.InitProducer(within(t))
	says(t, err, Unauthorized, "--operation IdempotentWrite --cluster")
	err = c.CreateTopic(within(t), TopicSpec{Name: "mine", Partitions: 1, Replication: 1})
	says(t, err, Unauthorized, "--operation Create --topic mine")
	_, err = c.TopicConfigs(within(t), topic)
	says(t, err, Unauthorized, "--operation DescribeConfigs --topic "+topic)
}
