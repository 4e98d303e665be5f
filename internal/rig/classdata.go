package rig

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/twmb/franz-go/pkg/kgo"
)

// classData returns the JVM flags that make brokers start from an archive of
// loaded classes: 1.7 s instead of 3.2 s, and half the CPU.
//
// The archive is made once a Java version, by starting a broker, using it, and
// ending it. Should that fail, brokers start the slow way; a JVM that finds an
// archive unfit says so in its log and goes on without it.
func (in *installation) classData() []string {
	archive := filepath.Join(in.dir, "broker-"+shortHash(in.java.path, in.java.version)+".jsa")
	err := once(archive, func() error { return in.archiveClasses(archive) })
	if err != nil {
		fmt.Fprintf(os.Stderr, "rig: no shared class data, brokers will start slowly: %v\n", err)
		return nil
	}
	return []string{"-Xshare:auto", "-XX:SharedArchiveFile=" + archive}
}

func (in *installation) archiveClasses(archive string) error {
	o := Options{Name: "classes", Version: in.version}.withDefaults()
	flags := append(in.brokerFlags(o), "-XX:ArchiveClassesAtExit="+archive, "-Xlog:cds=off")
	c, err := launchCluster(in, o, flags)
	if err != nil {
		return err
	}
	defer c.Close(false)
	if err := c.exercise(); err != nil {
		return err
	}
	if !c.nodes[0].end().stop(slow) {
		return fmt.Errorf("broker did not end within %v", slow)
	}
	if !exists(archive) {
		return fmt.Errorf("no archive was written")
	}
	return nil
}

// exercise has the broker load the classes that tests will want: topics,
// produce, fetch, commit, transactions.
func (c *Cluster) exercise() error {
	ctx, cancel := context.WithTimeout(context.Background(), slow)
	defer cancel()
	const topic = "exercise"
	if _, err := c.Admin().CreateTopic(ctx, 1, 1, nil, topic); err != nil {
		return err
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Direct()...), kgo.DefaultProduceTopic(topic), kgo.TransactionalID("exercise"),
		kgo.ConsumerGroup("exercise"), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := cl.BeginTransaction(); err != nil {
		return err
	}
	if err := cl.ProduceSync(ctx, kgo.StringRecord("exercise")).FirstErr(); err != nil {
		return err
	}
	if err := cl.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return err
	}
	return cl.PollFetches(ctx).Err()
}
