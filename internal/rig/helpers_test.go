package rig

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// shortly is a context that ends before anybody gets bored.
func shortly(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	t.Cleanup(cancel)
	return ctx
}

// commitOne commits from outside the group.
func commitOne(t *testing.T, adm *kadm.Client, group, topic string, offset int64) error {
	var os kadm.Offsets
	os.AddOffset(topic, 0, offset, -1)
	return adm.CommitAllOffsets(t.Context(), group, os)
}
