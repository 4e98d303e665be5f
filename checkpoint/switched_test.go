package checkpoint

import (
	"reflect"
	"testing"
	"time"
)

// Which topics changed hands outlives the process, and the newest word is all of it.
func TestSwitched(t *testing.T) {
	path := file(t)
	x := mustOpen(t, path, Link{})
	if got := x.Switched(); len(got) != 0 {
		t.Errorf("of a new index: %+v", got)
	}
	orders := Switched{Topic: "orders", At: time.UnixMilli(5).UTC(), ID: "f", Marks: []Mark{{0, 7, 9}, {1, -1, 0}}}
	for _, all := range []map[string]Switched{{"orders": orders, "payments": {Topic: "payments"}}, {"orders": orders}} {
		if err := x.SetSwitched(all); err != nil {
			t.Fatal(err)
		}
		x.Switched()["other"] = Switched{} // a copy
		if got := x.Switched(); !reflect.DeepEqual(got, all) {
			t.Errorf("%+v, want %+v", got, all)
		}
	}
	x.Close()
	x = mustOpen(t, path, Link{})
	if got, want := x.Switched(), (map[string]Switched{"orders": orders}); !reflect.DeepEqual(got, want) {
		t.Errorf("after opening again: %+v, want %+v", got, want)
	}
}
