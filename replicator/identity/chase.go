package identity

import (
	"context"
	"time"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// How often an end is asked for while somebody waits for it: mostly the copy is there already, and only the known end is
// old. A mirror that does not come is left to the watch.
const (
	chaseEvery = 3 * time.Millisecond // for chaseEager
	chaseEager = 50 * time.Millisecond
	chaseLater = 25 * time.Millisecond // for chaseFor
	chaseFor   = 5 * time.Second
)

// chase asks for the ends that somebody waits for: at once when nothing was asked a moment ago.
func (s *Source) chase(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.chaseNow:
		}
		for {
			parts, gap := s.chased(time.Now())
			if len(parts) == 0 {
				break
			}
			s.chaseOnce(ctx, parts)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(gap):
			}
		}
	}
}

// chased lists whose end to ask for, and how long to wait afterwards. What is reached, or waited for too long, leaves.
func (s *Source) chased(now time.Time) (parts []*partition, gap time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gap = chaseLater
	for p := range s.wanted {
		age := now.Sub(p.wantedAt)
		if p.want <= p.bounds.End || age > chaseFor || !s.current(p) {
			delete(s.wanted, p)
			p.want = 0
			continue
		}
		if age < chaseEager {
			gap = chaseEvery
		}
		parts = append(parts, p)
	}
	return parts, gap
}

func (s *Source) chaseOnce(ctx context.Context, parts []*partition) {
	ends, err := s.list(ctx, replicator.Secondary, kafka.Stable, parts)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range parts {
		end := ends[p.on(replicator.Secondary)]
		if err != nil || end.Err != nil {
			delete(s.wanted, p) // the watch says why
			continue
		}
		if s.current(p) && end.Offset > p.bounds.End {
			b := p.bounds
			b.End = end.Offset
			p.chased = true
			s.take(p, b)
		}
	}
}
