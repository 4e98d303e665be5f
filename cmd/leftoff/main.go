// Leftoff keeps the committed offsets of one Kafka cluster in step on another one, exactly: consumers pick up where they left
// off, in the other region.
//
// One file a command. Exit status: 0 fine; 1 the answer is bad (a translation that is not exact, a broken index, a group
// that would skip records); 2 the command could not do its work.
package main

import "os"

func main() { os.Exit(run()) }
