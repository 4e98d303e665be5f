package replicator

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPaceFollowsTheSecondary(t *testing.T) {
	p := newPace(1024)
	for range 5000 {
		p.answered(admitFor/2, p.room)
	}
	if p.room != leastRoom {
		t.Errorf("late answers: room %d", p.room)
	}
	for range 100 {
		p.answered(time.Millisecond, p.room-1)
	}
	if p.room != leastRoom {
		t.Errorf("nobody was held back: room %d", p.room)
	}
	for range 5000 {
		p.answered(time.Millisecond, p.room)
	}
	if p.room != 1024 {
		t.Errorf("early answers: room %d", p.room)
	}
}

// Troubled groups get more of the room with each answer, and lose that with the first request that goes unanswered.
func TestTroubledRegainTheRoom(t *testing.T) {
	p := newPace(1024)
	p.room = 100
	for range 30 {
		p.tried(true)
	}
	if n := p.troubled(); n != 55 {
		t.Errorf("30 answers: %d", n)
	}
	for range 1000 {
		p.tried(true)
	}
	if n := p.troubled(); n != 75 {
		t.Errorf("nothing is left to the others: %d", n)
	}
	p.tried(false)
	if n := p.troubled(); n != 25 {
		t.Errorf("one was not answered: %d", n)
	}
}

// Whatever happens, there is room, and a troubled group can be tried.
func TestPaceKeepsItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPace(rapid.IntRange(1, 2000).Draw(t, "most"))
		for range rapid.IntRange(0, 300).Draw(t, "answers") {
			if rapid.Bool().Draw(t, "troubled") {
				p.tried(rapid.Bool().Draw(t, "answered"))
				continue
			}
			took := time.Duration(rapid.Int64Range(0, 2*int64(admitFor)).Draw(t, "took"))
			p.answered(took, rapid.IntRange(1, p.room).Draw(t, "in flight"))
			if p.room < p.least || p.room > p.most || p.least < 1 {
				t.Fatalf("%+v", p)
			}
			if n := p.troubled(); n < 1 || n > 1 && n > p.room*3/4 {
				t.Fatalf("%d for troubled groups: %+v", n, p)
			}
		}
	})
}
