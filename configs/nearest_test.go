package configs

import "testing"

func TestNearest(t *testing.T) {
	known := []string{"brokers", "tls", "sasl", "client_id"}
	for word, want := range map[string]string{"brokres": "brokers", "broker": "brokers", "clientid": "client_id", "salsl": "sasl", "zookeeper": ""} {
		if got, _ := nearest(word, known); got != want {
			t.Errorf("%s: got %q, want %q", word, got, want)
		}
	}
}
