package judge

import (
	"strings"
	"testing"
	"time"
)

var (
	k   = Key{Group: "payments", Topic: "orders", Partition: 0}
	sec = time.Second
)

// TestRules shows that each rule fires, and next to it what is nearly the same and allowed.
func TestRules(t *testing.T) {
	tests := []struct {
		name  string
		rules Rules
		run   func(primary, secondary *fakeLog)
		want  []Rule
	}{
		{name: "copied at once", run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 10)
			s.stamped(1*sec, k, 10)
		}},
		{name: "ahead of the commit", run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 10)
			s.stamped(1*sec, k, 11)
		}, want: []Rule{NeverAhead}},
		{name: "of another link, which is not asked about", rules: Rules{Link: new(int)}, run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 10)
			s.stamped(1*sec, k, 11)
		}},
		{name: "ahead at the time, though a later commit allows it", run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 10)
			s.stamped(1*sec, k, 20)
			p.commit(2*sec, k, 20)
		}, want: []Rule{NeverAhead}},
		{name: "the commit before it, shortly after a rewind", run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 20)
			p.commit(2*sec, k, 10)
			s.stamped(2*sec+200*time.Millisecond, k, 20)
			s.stamped(3*sec, k, 10)
		}},
		{name: "the commit before it, long after a rewind", run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 20)
			p.commit(2*sec, k, 10)
			s.stamped(12*sec, k, 20)
		}, want: []Rule{NeverAhead}},
		{name: "a transaction's commit before its marker", run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 1)
			p.transactional(2*sec, k, 10, 77)
			s.stamped(3*sec, k, 10)
			p.end(4*sec, 77, true)
			s.stamped(5*sec, k, 10)
		}, want: []Rule{NeverAhead}},
		{name: "an aborted transaction's commit", run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 1)
			p.transactional(2*sec, k, 10, 77)
			p.end(3*sec, 77, false)
			s.stamped(4*sec, k, 10)
		}, want: []Rule{NeverAhead}},
		{name: "invented", run: func(p, s *fakeLog) {
			p.commit(1*sec, Key{"payments", "orders", 1}, 10)
			s.stamped(2*sec, k, 0)
		}, want: []Rule{NeverInvented}},
		{name: "a live classic group", run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 10)
			s.classic(1*sec, k.Group, 2)
			s.stamped(2*sec, k, 10)
		}, want: []Rule{NeverLive}},
		{name: "a live KIP-848 group", run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 10)
			s.member(1*sec, k.Group, "a", false)
			s.stamped(2*sec, k, 10)
		}, want: []Rule{NeverLive}},
		{name: "a group that was live", run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 10)
			s.member(1*sec, k.Group, "a", false)
			s.member(1*sec, k.Group, "a", true)
			s.stamped(2*sec, k, 10)
		}, want: []Rule{NeverTakenOver}},
		{name: "a group that was live, reclaimed", rules: Rules{Reclaimed: map[string]bool{k.Group: true}}, run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 10)
			s.classic(1*sec, k.Group, 1)
			s.classic(1*sec, k.Group, 0)
			s.stamped(2*sec, k, 10)
		}},
		{name: "over a consumer's value", run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 10)
			s.foreign(1*sec, k, 5, 2)
			s.stamped(2*sec, k, 10)
		}, want: []Rule{NeverTakenOver, NeverClobber}},
		{name: "over another replicator's value, at first contact", run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 10)
			s.foreign(1*sec, k, 5, -1)
			s.stamped(2*sec, k, 10)
		}},
		{name: "the same, and the policy is keep", rules: Rules{FirstContact: Keep}, run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 10)
			s.foreign(1*sec, k, 5, -1)
			s.stamped(2*sec, k, 10)
		}, want: []Rule{NeverTakenOver, NeverClobber}},
		{name: "over another replicator's value that was ahead", run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 10)
			s.foreign(1*sec, k, 15, -1)
			s.stamped(2*sec, k, 10)
		}, want: []Rule{NeverClobber}},
		{name: "the same, and the policy is overwrite", rules: Rules{FirstContact: Overwrite}, run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 10)
			s.foreign(1*sec, k, 15, -1)
			s.stamped(2*sec, k, 10)
		}},
		{name: "over another replicator's value, later", run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 10)
			s.stamped(2*sec, k, 10)
			s.foreign(3*sec, k, 5, -1)
			s.stamped(4*sec, k, 10)
		}, want: []Rule{NeverTakenOver, NeverClobber}},
		{name: "over a value put back", run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 10)
			s.stamped(2*sec, k, 10)
			s.stampedBy(3*sec, k, 5, 12, returnWriter)
			s.stamped(4*sec, k, 10)
		}, want: []Rule{NeverClobber}},
		{name: "backwards", run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 10)
			s.stamped(2*sec, k, 10)
			s.stamped(3*sec, k, 8)
		}, want: []Rule{NeverBackwards}},
		{name: "backwards to an older commit, shortly after", run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 8)
			p.commit(2*sec, k, 10)
			s.stamped(3*sec, k, 10)
			s.stamped(4*sec, k, 8)
		}, want: []Rule{NeverBackwards}},
		{name: "backwards with the primary", run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 10)
			s.stamped(2*sec, k, 10)
			p.commit(3*sec, k, 8)
			s.stamped(3*sec, k, 8)
		}},
		{name: "backwards with the primary, and the policy is never", rules: Rules{RewindNever: true}, run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 10)
			s.stamped(2*sec, k, 10)
			p.commit(3*sec, k, 8)
			s.stamped(3*sec, k, 8)
		}, want: []Rule{NeverBackwards}},
		{name: "backwards, because T fell", rules: Rules{Fell: func(Key) bool { return true }}, run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 10)
			s.stamped(2*sec, k, 10)
			s.stamped(3*sec, k, 8)
		}},
		{name: "missing", run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 10)
		}, want: []Rule{NeverMissing}},
		{name: "missing after a tombstone", run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 10)
			s.stamped(2*sec, k, 10)
			s.tombstone(3*sec, k)
		}, want: []Rule{NeverMissing}},
		{name: "held", rules: Rules{Holds: map[Key]string{k: "filtered"}}, run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 10)
		}},
		{name: "a group nobody asked about", rules: Rules{Groups: func(string) bool { return false }}, run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 10)
		}},
		{name: "deleted on the primary", run: func(p, s *fakeLog) {
			p.commit(1*sec, k, 10)
			p.tombstone(2*sec, k)
		}},
		{name: "a value of version 9", run: func(p, s *fakeLog) {
			p.add(1*sec, commitKey(k), []byte{0, 9, 1, 2, 3}, plain, -1)
		}, want: []Rule{Undecodable}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, s := newFake(), newFake()
			tt.run(p, s)
			found := NewHistory(p.Log, s.Log).Check(tt.rules, identical(t, k.Topic, 30))
			var got []Rule
			for _, v := range found {
				got = append(got, v.Rule)
				if v.String() == "" || strings.Contains(v.String(), "%!") {
					t.Errorf("unreadable: %q", v)
				}
			}
			if len(got) != len(tt.want) {
				t.Fatalf("got %v\nwant %v", found, tt.want)
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Fatalf("got %v\nwant %v", found, tt.want)
				}
			}
		})
	}
}

func TestRenamedTopic(t *testing.T) {
	p, s := newFake(), newFake()
	p.commit(1*sec, k, 10)
	copies := identical(t, k.Topic, 30)
	copies.Secondary = "west.orders"
	h := NewHistory(p.Log, s.Log)
	if got := h.Check(Rules{}, copies); len(got) != 1 || got[0].Rule != NeverMissing || got[0].Key.Topic != "west.orders" {
		t.Fatalf("before: %v", got)
	}
	s.stamped(2*sec, Key{k.Group, "west.orders", 0}, 10)
	if got := h.Check(Rules{}, copies); len(got) != 0 {
		t.Fatalf("after: %v", got)
	}
	r := h.Resumes(copies)
	if len(r) != 1 || !r[0].Exact || r[0].Lag != 20 || r[0].Committed != 10 {
		t.Fatalf("resumes: %v", r)
	}
}

// TestLaterPlainCommitWins is the broker's rule: a pending commit counts only if its record is the newer one.
func TestLaterPlainCommitWins(t *testing.T) {
	f := newFake()
	f.transactional(1*sec, k, 10, 77)
	f.commit(2*sec, k, 20)
	f.end(3*sec, 77, true)
	if v, ok := f.Value(k); !ok || v.Offset != 20 {
		t.Fatalf("got %v, want 20", v)
	}
	f.transactional(4*sec, k, 30, 77)
	f.tombstone(5*sec, k)
	f.end(6*sec, 77, true)
	if v, ok := f.Value(k); ok {
		t.Fatalf("got %v: a tombstone removes pending commits", v)
	}
	f.transactional(7*sec, k, 40, 77)
	if open, _ := f.Pending(); open != 1 {
		t.Fatalf("%d open, want 1", open)
	}
	f.end(8*sec, 77, false)
	if open, aborted := f.Pending(); open != 0 || aborted != 1 {
		t.Fatalf("%d open, %d aborted, want 0 and 1", open, aborted)
	}
}
