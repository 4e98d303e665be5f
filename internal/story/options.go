package story

import (
	"context"
	"io"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/replicator/daemon"
)

// Options of Run.
type Options struct {
	Seed uint64    // what is paid by whom, and which transactions are aborted
	Out  io.Writer // progress, line by line; nil is silent

	// Show is given the report as soon as there is one; nil leaves that to the caller.
	Show func(*Report) error

	// Keep ends the story before west dies, and leaves both regions, the daemon and gentle traffic up until ctx ends.
	Keep bool
	// Serve answers `leftoff status` while Keep holds; nil answers nothing.
	Serve Serve
	// HTTP is the address that Serve listens on; a free port if empty.
	HTTP string

	Size Size // zero: DefaultSize

	tempDir string                              // tests: where the story's folder is made
	meddle  func(context.Context, *stage) error // tests: break something just before west dies
}

// Serve answers over the daemon's state until ctx ends, where the configuration says.
type Serve func(ctx context.Context, cfg configs.Config, log *zap.Logger, d *daemon.Daemon) error

// Size is how much happens.
type Size struct {
	History int // payments before leftoff starts
	Archive int // of which the idle group has read so many, about
	West    int // payments while leftoff runs
	East    int // payments after west is gone
	Rate    int // payments a second
}

// DefaultSize plays for about ten seconds.
var DefaultSize = Size{History: 12_000, Archive: 5_000, West: 10_000, East: 3_000, Rate: 2_000}
