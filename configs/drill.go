package configs

import (
	"fmt"
	"path/filepath"
	"time"
)

// Drill is the rehearsal that the daemon makes by itself. `leftoff drill` goes by RPO, RTO and SignKey, too.
type Drill struct {
	Every   time.Duration `yaml:"every"`
	RPO     time.Duration `yaml:"rpo"`
	RTO     time.Duration `yaml:"rto"`
	Sample  int           `yaml:"sample"`
	Keep    int           `yaml:"keep"`
	SignKey string        `yaml:"sign_key"`
}

// DrillsDir is where the reports of a link's drills are kept.
func (c Config) DrillsDir(link string) string { return filepath.Join(c.DataDir, "drills", link) }

// shortestDrill leaves a drill time to end before the next one.
const shortestDrill = 10 * time.Minute

func (c *checker) drill(path string, d Drill) {
	if d.Every != 0 && d.Every < shortestDrill {
		c.say(path+".every", d.Every.String(), "is too often", shortestDrill.String()+" or more, such as 24h; 0s: never")
	}
	for _, target := range []struct {
		key string
		is  time.Duration
	}{{"rpo", d.RPO}, {"rto", d.RTO}} {
		if target.is < 0 {
			c.say(path+"."+target.key, target.is.String(), "is below nothing", "1m, or 0s for no target")
		}
	}
	if d.Sample < 0 {
		c.say(path+".sample", fmt.Sprint(d.Sample), "is below nothing", "0, for all positions")
	}
	if d.Keep < 1 {
		c.say(path+".keep", fmt.Sprint(d.Keep), "keeps no report", "1 or more; 30 is the default")
	}
	c.readable(path+".sign_key", d.SignKey)
}
