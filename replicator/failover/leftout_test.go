package failover

import "testing"

// What a way home left on the primary is known for good, by the topic's id: a mirror whose index is lost must not copy it late.
func TestLeftOut(t *testing.T) {
	o := Order{Who: "me", Choice: Discard}
	w := newWorld()
	if _, err := w.run(o); err != nil {
		t.Fatal(err)
	}
	w.diverged = []Unmirrored{{"orders", 0, 10, 17}}
	if p, err := w.comeHome(Order{Who: "me"}); err != nil || !p.Needs || len(w.known(t).LeftOut()) != 0 {
		t.Fatalf("%v %+v: left out before anybody chose: %v", err, p, w.known(t).LeftOut())
	}
	if _, err := w.comeHome(o); err != nil {
		t.Fatal(err)
	}
	if _, err := w.run(o); err != nil { // another failover since
		t.Fatal(err)
	}
	if got := w.known(t).LeftOut()["id"]; len(got) != 1 || got[0] != w.diverged[0] {
		t.Errorf("%v", got)
	}
}
