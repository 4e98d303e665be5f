package rig

import (
	"fmt"
	"strings"
)

// Versions of Kafka the rig can start.
const (
	V43 = "4.3.1" // the default
	V39 = "3.9.2"
)

// distribution is what differs between versions: which jars go together (never
// mixed between versions) and how they log.
type distribution struct {
	version   string
	artifacts []string // group:artifact:version
	logFile   string   // name of the logging configuration
	logConfig string
	logFlag   string // JVM flag that names it, completed by its path
}

// kafka_2.13 is the broker, kafka-tools has StorageTool. The logging binding is
// in no Kafka pom, and slf4j is 1.7: log4j-slf4j-impl, not log4j-slf4j2-impl.
var distributions = map[string]distribution{
	V43: {
		version: V43,
		artifacts: []string{
			"org.apache.kafka:kafka_2.13:4.3.1",
			"org.apache.kafka:connect-mirror:4.3.1",
			"org.apache.kafka:kafka-tools:4.3.1",
			"org.apache.logging.log4j:log4j-slf4j-impl:2.25.3",
			"org.apache.logging.log4j:log4j-core:2.25.3",
			"org.apache.logging.log4j:log4j-api:2.25.3",
		},
		logFile: "log4j2.properties",
		logFlag: "-Dlog4j2.configurationFile=",
		logConfig: `rootLogger.level=INFO
rootLogger.appenderRef.console.ref=console
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{HH:mm:ss.SSS} %-5p %c{1} %m%n
`,
	},
	V39: {
		version: V39,
		artifacts: []string{
			"org.apache.kafka:kafka_2.13:3.9.2",
			"org.apache.kafka:connect-mirror:3.9.2",
			"org.apache.kafka:kafka-tools:3.9.2",
			"ch.qos.reload4j:reload4j:1.2.25",
			"org.slf4j:slf4j-reload4j:1.7.36",
		},
		logFile: "log4j.properties",
		logFlag: "-Dlog4j.configuration=file:",
		logConfig: `log4j.rootLogger=INFO, console
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%d{HH:mm:ss.SSS} %-5p %c{1} %m%n
`,
	},
}

// The plugin is pinned, so that a cold cache resolves the same
// things next year.
const copyDependencies = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"

// pom returns the project whose runtime dependencies are the distribution.
func (d distribution) pom() string {
	var b strings.Builder
	b.WriteString(`<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>leftoff</groupId><artifactId>rig</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
`)
	for _, a := range d.artifacts {
		p := strings.Split(a, ":")
		fmt.Fprintf(&b, "    <dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></dependency>\n", p[0], p[1], p[2])
	}
	b.WriteString("  </dependencies>\n</project>\n")
	return b.String()
}

// before40 reports the settings and tools of the ZooKeeper days.
func (d distribution) before40() bool { return strings.HasPrefix(d.version, "3.") }
