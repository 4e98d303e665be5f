// Package rig starts real Kafka for tests: KRaft clusters of one or three
// brokers (4.3.1 and 3.9.2), MirrorMaker 2, a Java consumer, and a loopback
// proxy that can delay, cut and hold what passes.
//
// A test that needs a pair of clusters reads
//
//	func TestMain(m *testing.M) { rig.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		primary, secondary := rig.Shared(t) // skips where there is no Java
//		topic := rig.Name(t, "orders")
//		primary.CreateTopic(t, topic, 4, nil)
//		…
//	}
//
// and one that kills brokers, or needs settings of its own, starts its own:
//
//	c := rig.Start(t, rig.Options{Brokers: 3})
//	c.Kill(t, c.CoordinatorOf(t, group))
//
// # Promises
//
//   - Started means usable: metadata answers, every partition of
//     __consumer_offsets has a loaded coordinator, nothing answers 14, 15 or 16
//     merely because the cluster is young.
//   - Nothing outlives the test process, not even after SIGKILL (Linux; elsewhere
//     after everything but SIGKILL).
//   - Several test processes share the machine: ports and the jar cache are
//     guarded by file locks.
//   - The logs of a failed test are kept and their path is printed; everything
//     else is removed.
//   - Where Java or Maven is missing, tests are skipped with a line that says so,
//     unless LEFTOFF_REQUIRE_KAFKA=1, which makes that a failure.
//
// # Caveats
//
// Data lies in the page cache, brokers fsync nothing: a killed broker loses
// nothing, a killed machine might. JVMs run with a small heap and the C1
// compiler only, which starts twice as fast; a benchmark sets Options.Bench.
// The package imports nothing of the product.
package rig
