package story

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
	"go.uber.org/zap"

	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/region"
)

// stage is everything the story stands on. What was opened is closed in reverse.
type stage struct {
	Options
	*progress
	dir, configPath string
	cfg             configs.Config
	log             *zap.Logger
	west, east      *region.Region
	admin           [2]*kadm.Client // of west and east

	book    *dayBook
	takings map[string]*takings
	workers []*worker // at work now
	leaving sync.WaitGroup
	history *judge.History
	leftoff *leftoff
	since   time.Time // when leftoff was started
	copies  *judge.Copies
	inEast  bool

	undo []func()
}

// open brings up both regions, the judge's watch and the clients. Nothing of leftoff runs yet.
func openStage(o Options) (s *stage, err error) {
	s = &stage{Options: o, progress: newProgress(o.Out), book: newDayBook(), takings: map[string]*takings{}}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.dir, err = os.MkdirTemp(o.tempDir, "leftoff-demo-"); err != nil {
		return s, err
	}
	s.later(func() { os.RemoveAll(s.dir) })
	log, file, err := logFile(s.dir)
	if err != nil {
		return s, err
	}
	s.log = log
	s.later(func() { file.Close() })
	if s.west, err = s.startRegion("west"); err != nil {
		return s, err
	}
	if s.east, err = s.startRegion("east"); err != nil {
		return s, err
	}
	for i, r := range []*region.Region{s.west, s.east} {
		client, err := kgo.NewClient(clientOptions(brokers(r), "story")...)
		if err != nil {
			return s, err
		}
		s.later(client.Close)
		s.admin[i] = kadm.NewClient(client)
	}
	http, err := s.http()
	if err != nil {
		return s, err
	}
	s.cfg, s.configPath, err = writeConfig(s.dir, brokers(s.west), brokers(s.east), http)
	return s, err
}

// http is where leftoff answers: nowhere, unless somebody has the time to ask.
func (s *stage) http() (string, error) {
	switch {
	case !s.Keep || s.Serve == nil:
		return configs.NoHTTP, nil
	case s.HTTP != "":
		return s.HTTP, nil
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return free.Addr().String(), free.Close()
}

func (s *stage) startRegion(name string) (*region.Region, error) {
	r, err := region.Start(region.Options{Name: name, Kfake: []kfake.Opt{kfake.MaxVersions(versions())}})
	if err != nil {
		return nil, fmt.Errorf("start region %s: %w", name, err)
	}
	s.later(func() { r.Close() })
	return r, nil
}

// versions leave out DescribeTopicPartitions: Kafka's own tools trip over kfake's answer to it, and do without.
func versions() *kversion.Versions {
	v := kversion.Stable()
	v.SetMaxKeyVersion(int16(kmsg.DescribeTopicPartitions), -1)
	return v
}

func brokers(r *region.Region) []string { return r.Bootstrap() }

func (s *stage) later(f func()) { s.undo = append(s.undo, f) }

func (s *stage) close() {
	s.dismiss(0)
	s.leaving.Wait()
	for i := len(s.undo) - 1; i >= 0; i-- {
		s.undo[i]()
	}
	s.undo = nil
}

// hire opens a worker and puts it to work.
func (s *stage) hire(ctx context.Context, r role, where *region.Region, from start) (*worker, error) {
	name := "west"
	if where == s.east {
		name = "east"
	}
	t := s.takings[r.Group]
	if t == nil {
		t = newTakings()
		s.takings[r.Group] = t
	}
	w, err := open(r, brokers(where), name, from, t, s.Seed)
	if err != nil {
		return nil, fmt.Errorf("group %s: %w", r.Group, err)
	}
	s.workers = append(s.workers, w)
	w.run(ctx)
	return w, nil
}

// dismiss closes all workers. Where their region is gone there is nobody to say goodbye to, and nobody waits for them:
// a client takes a second to notice. leaving is joined at the end.
func (s *stage) dismiss(within time.Duration) {
	for _, w := range s.workers {
		s.leaving.Go(func() { w.close(within) })
	}
	s.workers = nil
	if within > 0 {
		s.leaving.Wait()
	}
}

// trouble is what makes going on pointless: the daemon has failed, or a worker before west died. After that a worker that
// fails is what the report is about.
func (s *stage) trouble() error {
	var all []error
	for _, w := range s.workers {
		if !s.inEast {
			all = append(all, w.failed())
		}
	}
	if s.leftoff != nil {
		all = append(all, s.leftoff.failed())
	}
	return errors.Join(all...)
}

// errLate says that a condition did not come true in time.
var errLate = errors.New("not within")

// until waits for a condition. Trouble ends the wait.
func (s *stage) until(ctx context.Context, within time.Duration, what string, yes func() bool) error {
	deadline := time.Now().Add(within)
	clock := time.NewTicker(tick)
	defer clock.Stop()
	for !yes() {
		if err := s.trouble(); err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: %w %v", what, errLate, within)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-clock.C:
		}
	}
	return nil
}

// narrate says line once a second until the returned function is called.
func (s *stage) narrate(line func() string) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		clock := time.NewTicker(time.Second)
		defer clock.Stop()
		for {
			select {
			case <-quit:
				return
			case <-clock.C:
				s.say("%s", line())
			}
		}
	}()
	return func() { close(quit); <-done }
}

func (s *stage) logTail() []string { return lastLines(filepath.Join(s.dir, "leftoff.log"), 12) }
