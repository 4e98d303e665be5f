package daemon

import (
	"fmt"

	"github.com/leftoff/leftoff/configs"
)

// circles looks again for topics copied in a circle once it is known which names mean the same cluster: a file can name
// one cluster twice, and no check of the file alone can see that.
func (d *Daemon) circles() error {
	ids := map[string]string{}
	var links []configs.Link
	for _, l := range d.links {
		if l.config.Name == "" || l.index == nil {
			continue // not made from a configuration, or not open yet
		}
		links = append(links, l.config)
		for side, name := range []string{l.config.Primary, l.config.Secondary} {
			if id := l.known()[side]; id != "" {
				ids[name] = id
			}
		}
	}
	identity := func(cluster string) string {
		if id := ids[cluster]; id != "" {
			return id
		}
		return "unknown cluster " + cluster
	}
	if found := configs.Circles(links, identity); len(found) > 0 {
		return fmt.Errorf("%w: %s. Try: topics.include, topics.exclude or rename, so that no mirror copies what another one wrote", ErrRefused, found[0])
	}
	return nil
}
