package daemon

import (
	"testing"
)

// A person who reclaims is named in the audit, whether leftoff has told of it already or not, and once where it has not.
func TestReclaimNamesThePerson(t *testing.T) {
	for _, told := range []bool{false, true} {
		p := &paper{}
		m := newPaperMemory(p)
		m.hear(p.known(t, m))
		v := reclaimed(5, "ann: mine")
		m.verdict("till", v)
		if told {
			if err := m.tell(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		m.by("till", "ann", v)
		for range 2 {
			if err := m.tell(t.Context()); err != nil {
				t.Fatal(err)
			}
			m.hear(p.known(t, m))
		}
		k := p.known(t, m)
		want := 1
		if told {
			want = 2
		}
		if e := k.Groups["till"]; e.Who != "ann" || e.Verdict != "reclaimed" || e.Why != "ann: mine" || len(k.Events) != want {
			t.Errorf("told before: %v: %+v of %d events", told, e, len(k.Events))
		}
	}
	p := &paper{}
	m := newPaperMemory(p)
	m.hear(p.known(t, m))
	m.verdict("till", reclaimed(5, "mine"))
	m.by("till", "", reclaimed(5, "mine"))
	if err := m.tell(t.Context()); err != nil || p.known(t, m).Groups["till"].Who != "leftoff" {
		t.Errorf("nobody said so: %v %+v", err, p.known(t, m).Groups)
	}
}
