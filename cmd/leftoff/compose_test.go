package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/leftoff/leftoff/configs"
)

// composeFile is what these tests look at in docker-compose.yml.
type composeFile struct {
	Services map[string]struct {
		Image       string
		Build       string
		Command     any
		Environment map[string]string
		Volumes     []string
		Ports       []string
		Restart     string
		Healthcheck struct{ Test []string }
		DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	}
}

func readCompose(t *testing.T) composeFile {
	t.Helper()
	data, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var c composeFile
	if err := yaml.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestComposeConfigs checks every configuration that docker-compose.yml mounts as `leftoff config check` does, and that its
// addresses are those of the services.
func TestComposeConfigs(t *testing.T) {
	c := readCompose(t)
	checked := 0
	for name, s := range c.Services {
		for _, v := range s.Volumes {
			from, to, ok := strings.Cut(v, ":")
			if !ok || !strings.HasPrefix(from, "./") || !strings.Contains(to, ".yml") {
				continue
			}
			checked++
			cfg, err := configs.Load(filepath.Join("../..", from), configs.System())
			if err != nil {
				t.Errorf("service %s mounts %s: %v", name, from, err)
			}
			for _, cluster := range cfg.Clusters {
				for _, broker := range cluster.Brokers {
					host, port, _ := strings.Cut(broker, ":")
					if listeners := c.Services[host].Environment["KAFKA_ADVERTISED_LISTENERS"]; !strings.Contains(listeners, "//"+host+":"+port) {
						t.Errorf("%s: broker %s is no service's listener", from, broker)
					}
				}
			}
			if cfg.DataDir != "/var/lib/leftoff" || !strings.HasSuffix(cfg.HTTP, ":9780") {
				t.Errorf("%s: data_dir %s, http %s", from, cfg.DataDir, cfg.HTTP)
			}
		}
	}
	if checked == 0 {
		t.Fatal("no service mounts a configuration")
	}
}

// TestComposeRegions: two regions of one image with ids of their own, healthy before anybody asks them.
func TestComposeRegions(t *testing.T) {
	c := readCompose(t)
	ids := map[string]string{}
	for name, s := range c.Services {
		if s.Image != "leftoff" && s.Image != "apache/kafka:4.3.1" {
			t.Errorf("%s: image %s", name, s.Image)
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s publishes %s to everybody", name, p)
			}
		}
		if id, region := s.Environment["CLUSTER_ID"]; region {
			if other, twice := ids[id]; twice || len(id) != 22 {
				t.Errorf("%s and %s: cluster id %q", name, other, id)
			}
			ids[id] = name
			if len(s.Healthcheck.Test) == 0 {
				t.Errorf("%s has no health check", name)
			}
		}
	}
	if len(ids) != 2 {
		t.Errorf("%d regions", len(ids))
	}
	for _, region := range ids {
		if c.Services["leftoff"].DependsOn[region].Condition != "service_healthy" {
			t.Errorf("leftoff does not wait for %s", region)
		}
	}
}

// TestComposeCommands: what the containers and the file's comments run are commands with flags that exist.
func TestComposeCommands(t *testing.T) {
	s := readCompose(t).Services["leftoff"]
	var words []string
	for _, w := range s.Command.([]any) {
		words = append(words, w.(string))
	}
	parses(t, "command", "leftoff "+strings.Join(words, " "))
	parses(t, "healthcheck", "leftoff "+strings.Join(s.Healthcheck.Test[2:], " "))
	docker, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{`"run", "-c", "/etc/leftoff/link.yml"`, `USER 65532`, `CGO_ENABLED=0`} {
		if !strings.Contains(string(docker), line) {
			t.Errorf("Dockerfile lacks %s", line)
		}
	}
}
