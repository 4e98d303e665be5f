// Package kafka is leftoff's only door to Kafka, and the only importer of sarama.
//
// It promises that
//
//   - every call returns soon after its context ends, whatever the broker does: sarama's calls know no context, so each
//     connection is private and is closed under the call;
//   - nothing shares a connection with a long poll, and no two requests wait for each other on one connection unless they
//     are meant to be pipelined;
//   - every error code of every partition is looked at, and comes back as an *Error with a Class and, where a person can do
//     something about it, a sentence that says what;
//   - no topic is created by asking for it, and no secret is printed.
//
// A Cluster is a set of bootstrap addresses with credentials. Open neither dials nor fails. Single questions go through a
// small pool of connections to each broker; a Fetcher, a Committer and a Producer own their connections. There is no
// sarama.Client anywhere: metadata, leaders and coordinators are asked for here, where a context can stop it.
//
// Caveats: Key and Value of a fetched Record alias the buffer of the response, and keep all of it alive. A broker that
// throttles (client quotas) delays the next call on that connection by up to the throttle time, context or not. Message
// sets older than Kafka 0.11 are read, but never written.
package kafka
