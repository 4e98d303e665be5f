package rig

import (
	"fmt"
	"slices"
	"testing"
)

// Records returns what was delivered so far, in order.
func (j *JavaConsumer) Records() []Consumed {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.records)
}

// WaitRecords waits until at least n records were delivered and returns them
// all.
func (j *JavaConsumer) WaitRecords(t testing.TB, n int) []Consumed {
	t.Helper()
	j.wait(t, fmt.Sprintf("%d records", n), func() bool { return len(j.records) >= n })
	return j.Records()
}

// WaitAssigned waits until n partitions are assigned to this member, which is
// when the group is alive.
func (j *JavaConsumer) WaitAssigned(t testing.TB, n int) {
	t.Helper()
	j.wait(t, fmt.Sprintf("%d assigned partitions", n), func() bool { return len(j.assigned) >= n })
}

// Delivered is the offset of the last record of a partition that was delivered.
func (j *JavaConsumer) Delivered(topic string, partition int32) (offset int64, ok bool) {
	return j.offset(j.delivered, topic, partition)
}

// Position is where the consumer resumed a partition when it was assigned.
func (j *JavaConsumer) Position(topic string, partition int32) (offset int64, ok bool) {
	return j.offset(j.positions, topic, partition)
}

// Committed is the last offset it committed, as far as Kafka confirmed it.
func (j *JavaConsumer) Committed(topic string, partition int32) (offset int64, ok bool) {
	return j.offset(j.committed, topic, partition)
}

func (j *JavaConsumer) offset(of map[string]int64, topic string, partition int32) (int64, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	o, ok := of[fmt.Sprintf("%s/%d", topic, partition)]
	return o, ok
}

// Failure is what ended the consumer, or empty.
func (j *JavaConsumer) Failure() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.failure
}

// WaitFailure waits until the consumer has ended with an error, for tests that
// expect one.
func (j *JavaConsumer) WaitFailure(t testing.TB) string {
	t.Helper()
	<-j.read
	return j.Failure()
}

// Commit commits what was delivered and returns when Kafka has confirmed it.
func (j *JavaConsumer) Commit(t testing.TB) {
	t.Helper()
	j.command(t, "commit")
}

// Limit lets n further records through and pauses after them; -1 is no limit.
func (j *JavaConsumer) Limit(t testing.TB, n int) {
	t.Helper()
	j.command(t, fmt.Sprintf("limit %d", n))
}

// Close leaves the group, and ends the process with its last consumer. It does
// not commit, unless enable.auto.commit is set. (A static member does not leave:
// the group keeps its place for a while.)
func (j *JavaConsumer) Close(t testing.TB) {
	t.Helper()
	j.command(t, "close")
	<-j.read
}

// Leave is how an application stops: a commit of what was delivered, and Close.
// With enable.auto.commit set the commit is the one that comes with closing.
func (j *JavaConsumer) Leave(t testing.TB) {
	t.Helper()
	j.command(t, "leave")
	<-j.read
}

// Kill ends the process at once, with all consumers in it; their groups notice
// after their session timeouts.
func (j *JavaConsumer) Kill() { j.host.kill() }

// command sends a line and waits until it was carried out.
func (j *JavaConsumer) command(t testing.TB, line string) {
	t.Helper()
	j.mu.Lock()
	before := j.done[line]
	j.mu.Unlock()
	if _, err := fmt.Fprintf(j.host.stdin, "%d\t%s\n", j.number, line); err != nil {
		t.Fatalf("java consumer is gone: %v %s", err, j.Failure())
	}
	j.wait(t, line, func() bool { return j.done[line] > before })
}
