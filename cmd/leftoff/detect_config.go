package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/replicator/detect"
)

// propose keeps what the configuration says of topics, groups and policy.
func (s *sided) propose(r detect.Report) ([]detect.Link, error) {
	links := r.Links(s.Primary, s.Secondary)
	more, err := s.settings()
	if err != nil {
		return nil, err
	}
	for i := range links {
		l := &links[i]
		l.Name, l.More = s.Name, more
		if i > 0 {
			l.Name = fmt.Sprintf("%s-%s-%d", s.Name, l.Mapping, i+1)
		}
		if len(links) == 1 {
			l.Include, l.Exclude = s.Topics.Include, append(slices.Clone(s.Topics.Exclude), l.Exclude...)
		}
	}
	return links, nil
}

// settings are groups and policy, where they are not the defaults.
func (s *sided) settings() (string, error) {
	more, def := map[string]any{}, configs.DefaultLink()
	if !reflect.DeepEqual(s.Groups, def.Groups) {
		more["groups"] = s.Groups
	}
	if s.Policy != def.Policy {
		more["policy"] = s.Policy
	}
	if len(more) == 0 {
		return "", nil
	}
	return toYAML(more)
}

func toYAML(v any) (string, error) {
	var b strings.Builder
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(v); err != nil {
		return "", fmt.Errorf("print the configuration: %w", err)
	}
	return b.String(), e.Close()
}

// clustersYAML is the part `clusters:` for links. A password in plain sight is not printed.
func clustersYAML(cfg configs.Config, links []detect.Link) (string, error) {
	var names []string
	for _, l := range links {
		names = append(names, l.Primary, l.Secondary)
	}
	slices.Sort(names)
	type cluster struct {
		Brokers []string      `yaml:"brokers,flow"`
		TLS     *configs.TLS  `yaml:"tls,omitempty"`
		SASL    *configs.SASL `yaml:"sasl,omitempty"`
	}
	all := map[string]cluster{}
	for _, n := range slices.Compact(names) {
		c := cfg.Clusters[n]
		all[n] = cluster{c.Brokers, c.TLS, c.SASL}
	}
	return toYAML(map[string]any{"clusters": all})
}
