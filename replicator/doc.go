// Package replicator is the core of leftoff: it decides what to write to the secondary, and does no I/O of its own.
//
// It keeps the newest commit of each (group, topic, partition) on both sides, plans what the secondary should hold as a
// pure function of those, the mapping and the policies, and lets only the gate turn a plan's entry into a write.
package replicator
