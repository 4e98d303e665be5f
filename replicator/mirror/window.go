package mirror

// flight is a batch on its way to the secondary.
type flight struct {
	load
	sequence int32
	expected int64 // the base offset it must be given
	state    flightState
	base     int64 // acked: the base offset it was given
	err      error // failed
}

type flightState uint8

const (
	sent flightState = iota
	acked
	failed
)

// maxFlights is how many batches of a producer and partition the broker remembers to recognise a repetition.
const maxFlights = 5

// window holds the flights of a partition, oldest first.
type window struct {
	flights []*flight
	bytes   int
	known   bool // the broker has acknowledged a batch of this session
}

func (w *window) push(f *flight) {
	w.flights = append(w.flights, f)
	w.bytes += f.bytes
}

// pop removes the oldest flight.
func (w *window) pop() {
	w.bytes -= w.flights[0].bytes
	w.flights[0] = nil
	w.flights = w.flights[1:]
	w.known = true
}

func (w *window) empty() bool { return len(w.flights) == 0 }

// full says that no further batch may leave. The first of a session travels alone: a broker that knows nothing of a
// producer takes any sequence, so that the second would be written where the first was refused (NOT_LEADER_OR_FOLLOWER on a topic
// just created).
func (w *window) full() bool {
	return len(w.flights) >= maxFlights || len(w.flights) > 0 && !w.known
}

// quiet says that nothing is on the wire any more.
func (w *window) quiet() bool {
	for _, f := range w.flights {
		if f.state == sent {
			return false
		}
	}
	return true
}

// failures says that an answer was an error.
func (w *window) failures() bool {
	for _, f := range w.flights {
		if f.state == failed {
			return true
		}
	}
	return false
}

func (w *window) reset() { *w = window{} }
