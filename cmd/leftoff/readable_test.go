package main

import "testing"

// What is printed for people counts one thing as one, and has no fractions of a second; names and numbers stay as they are.
func TestReadable(t *testing.T) {
	for said, want := range map[string]string{
		"the primary has 1 offsets in 1 partitions that":       "the primary has 1 offset in 1 partition that",
		"21 offsets in 11 partitions, 3.1 records, 1,001 rows": "21 offsets in 11 partitions, 3.1 records, 1,001 rows",
		"1 offsets were written, and 1 records are left":       "1 offset was written, and 1 record is left",
		"up to 1 records may be read again":                    "up to 1 record may be read again",
		"orders-1 records, orders/1 offsets, 1 recordsets":     "orders-1 records, orders/1 offsets, 1 recordsets",
		"is of 2026-11-26T09:33:18.123456789Z, 1.5s before":    "is of 2026-11-26T09:33:18Z, 1.5s before",
		"at 2026-11-26T09:33:18.5+01:00":                       "at 2026-11-26T09:33:18+01:00",
	} {
		if got := readable(said); got != want {
			t.Errorf("%q became %q, want %q", said, got, want)
		}
	}
}
