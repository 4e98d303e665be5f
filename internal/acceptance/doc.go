// Package acceptance tries leftoff's promises on real Kafka, judged by internal/judge. It holds tests only.
package acceptance
