package auto

import (
	"context"
	"maps"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/detect"
)

// How often the clusters are looked at while something is undecided.
const (
	soonest = 2 * time.Second
	latest  = time.Minute
	within  = time.Minute // one look
)

// ask asks for a look at a topic that was never seen. It never blocks.
func (s *Source) ask(topic string) {
	s.mu.Lock()
	s.asked[topic] = true
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// choose looks at the clusters until ctx ends: at once, when a topic is asked for that was never seen, and now and then.
func (s *Source) choose(ctx context.Context) error {
	for wait := soonest; ; {
		if s.decide(ctx) {
			wait = soonest
		}
		if !pause(ctx, soonest, nil) || !pause(ctx, wait-soonest, s.wake) {
			return ctx.Err()
		}
		wait = min(2*wait, latest)
	}
}

// pause waits for a time, or to be woken. It says whether to go on.
func pause(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
	case <-wake:
	}
	return true
}

// decide looks once, and says whether anything is new.
func (s *Source) decide(ctx context.Context) (news bool) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	differs, asked := s.differing(), s.toFind()
	report, err := s.look(ctx, func(topic string) bool { return s.open(topic, differs) })
	s.mu.Lock()
	s.failing = err
	s.mu.Unlock()
	if err != nil {
		s.log.Debug("look which mapping fits", zap.Error(err))
		return false
	}
	for _, t := range report.Topics {
		delete(asked, t.Topic)
		news = s.tell(t.Topic, found(report, t.Topic)) || news
	}
	for topic := range asked {
		news = s.tell(topic, choice{reason: replicator.TopicMissing, why: "not among the topics of the primary that this link replicates"}) || news
	}
	return news
}

// found is what a report says of a topic.
func found(r detect.Report, topic string) (c choice) {
	c.mapping, c.why = r.Auto(topic)
	switch {
	case c.mapping != "":
	case r.Never(topic):
		c.reason, c.why = replicator.Filtered, topic+" "+c.why
	default:
		c.reason, c.why = replicator.TopicMissing, topic+" "+c.why
	}
	return c
}

// tell keeps what was found, and has keys planned again where it is news.
func (s *Source) tell(topic string, c choice) bool {
	if !s.take(topic, c) {
		return false
	}
	s.notify(replicator.Advance{Topic: topic, Partition: -1, All: true})
	return true
}

// toFind are topics that were asked for, all of them known or absent after the next look.
func (s *Source) toFind() map[string]bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return maps.Clone(s.asked)
}

// differing are topics of identity that are not the same on both sides any more.
func (s *Source) differing() map[string]bool {
	all := map[string]bool{}
	for _, p := range s.identity.State().Problems {
		if p.Reason == replicator.SourceDegraded {
			all[p.Topic] = true
		}
	}
	return all
}

// open says whether a topic is still to be decided.
func (s *Source) open(topic string, differs map[string]bool) bool {
	if _, ok := s.name(topic); !ok {
		return false
	}
	c, known := s.chosen(topic)
	return !known || c.mapping == "" || c.recalled || differs[topic]
}

// take keeps what was found of a topic, and says whether that is news. Comparing stays comparing, whatever is found: what it
// proved stays true of any mirror.
func (s *Source) take(topic string, is choice) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, known := s.topics[topic]
	delete(s.asked, topic)
	if was.mapping != "" && (is.mapping == "" || compares(was.mapping) && !compares(is.mapping)) {
		was.recalled = false
		s.topics[topic] = was
		return false
	}
	is.at = time.Now()
	s.topics[topic] = is
	switch log := s.log.With(zap.String("topic", topic), zap.String("why", is.why)); {
	case known && was.mapping == is.mapping && was.why == is.why, compares(was.mapping):
		return false
	case was.mapping != "" && is.mapping != was.mapping:
		log.Warn("offsets are not the same on both sides any more: records are compared from now on")
	case is.mapping == "" && is.reason != replicator.Filtered:
		log.Warn("no mapping fits")
	default:
		log.Info("mapping chosen", zap.String("mapping", is.mapping))
	}
	return true
}

func compares(mapping string) bool {
	return mapping == configs.MappingMM2 || mapping == configs.MappingMatch
}
