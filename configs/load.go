package configs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// Outside is what a file may refer to: other files, and the environment.
type Outside struct {
	ReadFile  func(name string) ([]byte, error)
	LookupEnv func(name string) (string, bool)
}

// System is this process's.
func System() Outside { return Outside{ReadFile: os.ReadFile, LookupEnv: os.LookupEnv} }

// Load reads a file. The error is a Problems where the file is to blame. Relative names of files in it count from its folder.
func Load(path string, o Outside) (Config, error) {
	data, err := o.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Config{}, fmt.Errorf("no file %s. Try: -c FILE, or leftoff config reference > %s, to begin with", path, path)
	case err != nil:
		return Config{}, fmt.Errorf("read the configuration: %w", err)
	}
	return Parse(data, filepath.Dir(path), o)
}

// Parse reads a file's content. The error is a Problems.
func Parse(data []byte, folder string, o Outside) (Config, error) {
	cfg, b := bindAll(data)
	if b.lines == nil {
		return cfg, b.problems.err() // not even YAML
	}
	cfg.resolvePaths(folder)
	c := checker{binder: b, cfg: &cfg, outside: o}
	c.all()
	return cfg, b.problems.err()
}

// bindAll fills a Config as far as it goes.
func bindAll(data []byte) (Config, *binder) {
	cfg, b := Default(), &binder{}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		b.problems = Problems{syntaxProblem(err)}
		return cfg, b
	}
	b.lines, b.failed = map[string]int{}, map[string]bool{}
	if root.Kind == yaml.DocumentNode && len(root.Content) == 1 {
		b.bind("", root.Content[0], reflect.ValueOf(&cfg).Elem())
	}
	return cfg, b
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

func syntaxProblem(err error) Problem {
	p := Problem{Message: "is not YAML: " + err.Error(), Hint: "check the indentation, and put values with : or # in quotes"}
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		p.Message = "is not YAML: " + m[2]
		if line, err := strconv.Atoi(m[1]); err == nil {
			p.Line, p.Path = line, "line "+m[1]
		}
	}
	return p
}

// resolvePaths makes relative names absolute, from the file's folder.
func (c *Config) resolvePaths(folder string) {
	from := func(name *string) {
		if *name != "" && !filepath.IsAbs(*name) {
			*name = filepath.Join(folder, *name)
		}
	}
	from(&c.DataDir)
	for name, cluster := range c.Clusters {
		if t := cluster.TLS; t != nil {
			from(&t.CAFile)
			from(&t.CertFile)
			from(&t.KeyFile)
		}
		if s := cluster.SASL; s != nil {
			from(&s.PasswordFile)
		}
		c.Clusters[name] = cluster
	}
	for i := range c.Links {
		from(&c.Links[i].Drill.SignKey)
	}
}

// IndexPath is where a link's index is.
func (c Config) IndexPath(link string) string { return filepath.Join(c.DataDir, link+".db") }

// Link finds a link by name. An empty name means the only one.
func (c Config) Link(name string) (Link, bool) {
	for _, l := range c.Links {
		if l.Name == name || name == "" && len(c.Links) == 1 {
			return l, true
		}
	}
	return Link{}, false
}
