package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker for releases: -ldflags "-X main.version=v0.1.0".
var version = ""

type versionInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func thisVersion() versionInfo {
	v := versionInfo{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	if v.Version == "" {
		v.Version = info.Main.Version
	}
	if v.Version == "" || v.Version == "(devel)" {
		v.Version = "devel"
	}
	return v
}

func (a *app) versionCommand() *cobra.Command {
	return a.withOutput(&cobra.Command{
		Use: "version", Short: "which leftoff this is", Args: cobra.NoArgs,
		Example: `  leftoff version
  leftoff version -o json`,
		RunE: func(*cobra.Command, []string) error {
			v := thisVersion()
			if done, err := a.json(v); done {
				return err
			}
			_, err := fmt.Fprintf(a.out, "leftoff %s %s %s\n", v.Version, v.Go, v.Platform)
			return err
		},
	})
}
