package story

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/daemon"
)

// leftoff is the daemon, as `leftoff run -c link.yml` would run it.
type leftoff struct {
	daemon *daemon.Daemon
	stop   context.CancelFunc
	opened chan struct{} // the indexes are open: it can be asked
	ended  chan struct{}
	err    error // once ended is closed
}

const configText = `# Written by leftoff demo. Everything else is the default: leftoff config reference
clusters:
  west: {brokers: [%s]}
  east: {brokers: [%s]}
links:
  - name: west-east
    primary: west
    secondary: east
    mapping: mirror
data_dir: index
http: %s
`

// writeConfig writes link.yml and reads it back, as the daemon does.
func writeConfig(dir string, west, east []string, http string) (configs.Config, string, error) {
	path := filepath.Join(dir, "link.yml")
	text := fmt.Sprintf(configText, quoted(west), quoted(east), http)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return configs.Config{}, path, err
	}
	cfg, err := configs.Load(path, configs.System())
	if err != nil {
		return cfg, path, err
	}
	return cfg, path, os.MkdirAll(cfg.DataDir, 0o755)
}

func quoted(brokers []string) string { return `"` + strings.Join(brokers, `", "`) + `"` }

// startDaemon runs the daemon in the background until ctx ends or stop is called.
func startDaemon(ctx context.Context, cfg configs.Config, serve Serve, log *zap.Logger) (*leftoff, error) {
	links, err := daemon.FromConfig(cfg)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	l := &leftoff{stop: stop, opened: make(chan struct{}), ended: make(chan struct{})}
	l.daemon = daemon.New(daemon.Options{Links: links, Logger: log, HTTP: func(ctx context.Context, d *daemon.Daemon) error {
		close(l.opened)
		if serve == nil {
			return nil
		}
		return serve(ctx, cfg, log, d)
	}})
	go func() {
		defer close(l.ended)
		l.err = l.daemon.Run(ctx)
	}()
	return l, nil
}

func (l *leftoff) close() {
	l.stop()
	<-l.ended
}

// failed is why the daemon is not running any more; nil while it is.
func (l *leftoff) failed() error {
	select {
	case <-l.ended:
		if l.err == nil {
			return errors.New("leftoff ended")
		}
		return fmt.Errorf("leftoff ended: %w", l.err)
	default:
		return nil
	}
}

// writable reports that leftoff has read both offsets topics and may write.
func (l *leftoff) writable(ctx context.Context) (bool, string) {
	select {
	case <-l.opened:
	default:
		return false, "its index is not open yet"
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	links, err := l.daemon.Snapshots(ctx, false)
	if err != nil || len(links) == 0 {
		return false, fmt.Sprint(err)
	}
	s := links[0]
	return s.Writable, strings.TrimSpace(s.Sides[replicator.Primary].Error + " " + s.Sides[replicator.Secondary].Error)
}

// logFile is the daemon's log.
func logFile(dir string) (*zap.Logger, *os.File, error) {
	f, err := os.Create(filepath.Join(dir, "leftoff.log"))
	if err != nil {
		return nil, nil, err
	}
	cfg := zap.NewProductionEncoderConfig()
	cfg.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
	return zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(cfg), f, zap.InfoLevel)), f, nil
}

// lastLines of a file, for people who have to find out why.
func lastLines(path string, n int) []string {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	return lines[max(0, len(lines)-n):]
}
