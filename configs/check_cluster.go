package configs

import (
	"fmt"
	"strings"
)

// Mechanisms lists the SASL mechanisms of this version.
func Mechanisms() []string { return []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} }

func (c *checker) clusters() {
	owner := map[string]string{} // broker → cluster
	for _, name := range c.clusterNames() {
		cluster, path := c.cfg.Clusters[name], "clusters."+name
		c.brokers(path+".brokers", name, cluster.Brokers, owner)
		if cluster.DialTimeout <= 0 {
			c.say(path+".dial_timeout", cluster.DialTimeout.String(), "must be more than nothing", "10s")
		}
		if cluster.RequestTimeout <= 0 {
			c.say(path+".request_timeout", cluster.RequestTimeout.String(), "must be more than nothing", "30s")
		}
		c.tls(path+".tls", cluster.TLS)
		c.sasl(path+".sasl", cluster.SASL)
	}
}

func (c *checker) brokers(path, name string, brokers []string, owner map[string]string) {
	if len(brokers) == 0 {
		c.say(path, "", "there are none", "[kafka-1:9092, kafka-2:9092]: some of the cluster's brokers")
	}
	for i, broker := range brokers {
		at := fmt.Sprintf("%s[%d]", path, i)
		if !c.address(at, broker, "host:port, such as "+strings.TrimSuffix(hostOf(broker), ":")+":9092") {
			continue
		}
		switch other, taken := owner[strings.ToLower(broker)]; {
		case taken && other == name:
			c.say(at, broker, "is there twice", "keep one of them")
		case taken:
			c.say(at, broker, "is a broker of "+other+", too: the same cluster twice", "name a cluster once, and join two different ones")
		}
		owner[strings.ToLower(broker)] = name
	}
}

func hostOf(broker string) string {
	if i := strings.LastIndex(broker, "://"); i >= 0 {
		broker = broker[i+3:]
	}
	broker, _, _ = strings.Cut(broker, ":")
	if broker == "" {
		return "kafka-1"
	}
	return broker
}

func (c *checker) tls(path string, t *TLS) {
	if t == nil {
		return
	}
	switch {
	case t.CertFile != "" && t.KeyFile == "":
		c.say(path+".key_file", "", "is missing beside cert_file", "the certificate's private key, PEM")
	case t.KeyFile != "" && t.CertFile == "":
		c.say(path+".cert_file", "", "is missing beside key_file", "the key's certificate, PEM")
	}
	c.readable(path+".ca_file", t.CAFile)
	c.readable(path+".cert_file", t.CertFile)
	c.readable(path+".key_file", t.KeyFile)
}

// readable wants a file that is there. It returns its content.
func (c *checker) readable(path, name string) []byte {
	if name == "" {
		return nil
	}
	data, err := c.outside.ReadFile(name)
	if err != nil {
		c.say(path, name, "can't be read: "+cause(err), "is it there, and may this user read it?")
	}
	return data
}

// cause is an error without the file's name, which is said beside it.
func cause(err error) string {
	s := err.Error()
	if i := strings.LastIndex(s, ": "); i >= 0 {
		return s[i+2:]
	}
	return s
}

func (c *checker) sasl(path string, s *SASL) {
	if s == nil {
		return
	}
	c.oneOf(path+".mechanism", s.Mechanism, Mechanisms()...)
	if s.Username == "" {
		c.say(path+".username", "", "is missing", "the user as whom leftoff logs in")
	}
	ways := 0
	for _, way := range []string{string(s.Password), s.PasswordFile, s.PasswordEnv} {
		if way != "" {
			ways++
		}
	}
	switch {
	case ways == 0:
		c.say(path, "", "has no password", "password_file, password_env or password")
	case ways > 1:
		c.say(path, "", "has more than one password", "exactly one of password_file, password_env and password")
	default:
		s.resolved = c.password(path, s)
	}
}

// password takes the secret from where it is.
func (c *checker) password(path string, s *SASL) Secret {
	switch {
	case s.PasswordFile != "":
		data := c.readable(path+".password_file", s.PasswordFile)
		secret := strings.TrimRight(string(data), "\r\n")
		if data != nil && secret == "" {
			c.say(path+".password_file", s.PasswordFile, "is empty", "a file that holds the password and nothing else")
		}
		return Secret(secret)
	case s.PasswordEnv != "":
		secret, ok := c.outside.LookupEnv(s.PasswordEnv)
		if !ok || secret == "" {
			c.say(path+".password_env", s.PasswordEnv, "is not in the environment", "export "+s.PasswordEnv+"=…, or password_file")
		}
		return Secret(secret)
	}
	return s.Password
}
