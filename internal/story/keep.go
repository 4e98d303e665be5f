package story

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"

	"github.com/leftoff/leftoff/configs"
)

// keep leaves everything up, with gentle traffic in west, until ctx ends. By then somebody may have done anything to
// either region: what the workers run into is said, and ends nothing.
func (s *stage) keep(ctx context.Context) error {
	s.plain("%s", s.invitation())
	for _, w := range s.workers {
		if w.role.pause == 0 { // the slow one keeps its lag, to be looked at
			w.run(ctx)
		}
	}
	t, err := openTill(brokers(s.west), "west", s.book, s.Seed+3)
	if err != nil {
		return err
	}
	defer t.close()
	var traffic sync.WaitGroup
	defer traffic.Wait()
	making, stop := context.WithCancel(ctx)
	defer stop()
	traffic.Go(func() { _ = t.make(making, math.MaxInt32, 20, nil) })
	select {
	case <-ctx.Done():
		return nil
	case <-s.leftoff.ended:
		if ctx.Err() != nil {
			return nil
		}
		return s.leftoff.failed()
	}
}

// invitation is what to paste where.
func (s *stage) invitation() string {
	west, east, me := s.west.Bootstrap()[0], s.east.Bootstrap()[0], self()
	http := ""
	if s.cfg.HTTP != configs.NoHTTP {
		http = "   leftoff http://" + s.cfg.HTTP
	}
	return fmt.Sprintf(`
Both regions and leftoff stay up, with a few payments a second in west. Ctrl-C ends it all and leaves nothing behind.

  west %[1]s   east %[2]s%[3]s
  configuration %[4]s   log %[5]s

leftoff, from another terminal:
  %[6]s status -c %[4]s
  %[6]s plan -c %[4]s

The same record on both sides, and where the groups stand:
  kcat -b %[1]s -C -t payments -p 0 -o -3 -e
  kcat -b %[2]s -C -t payments -p 0 -o -3 -e
  kafka-consumer-groups.sh --bootstrap-server %[1]s --describe --group reports
  kafka-consumer-groups.sh --bootstrap-server %[2]s --describe --group reports

A failover by hand: reports goes on in east. leftoff will not write it there again until it is reclaimed.
  kafka-console-consumer.sh --bootstrap-server %[2]s --topic payments --group reports --max-messages 5
  %[6]s status -c %[4]s
  %[6]s reclaim reports -c %[4]s
`, west, east, http, s.configPath, filepath.Join(s.dir, "leftoff.log"), me)
}

// self is how this program is called from a shell.
func self() string {
	if path, err := os.Executable(); err == nil {
		return path
	}
	return "leftoff"
}
