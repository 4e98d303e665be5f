package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/leftoff/leftoff/configs"
)

// healthCommand is for containers without a shell: is the daemon alive?
func (a *app) healthCommand() *cobra.Command {
	var ready bool
	c := &cobra.Command{
		Use: "health", Short: "is the daemon alive? For containers", Args: cobra.NoArgs, Hidden: true,
		Example: `  leftoff health
  leftoff health --ready`,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(c.Context(), 4*time.Second)
			defer cancel()
			if a.http == "" && !c.Flags().Changed("config") {
				a.http = cmp.Or(a.http, configs.Default().HTTP)
			}
			client, err := a.client()
			if err != nil {
				return err
			}
			if !ready {
				return needsDaemon(client.Alive(ctx))
			}
			r, err := client.Ready(ctx)
			if err == nil && !r.Ready {
				for _, l := range r.Links {
					err = errors.Join(err, fmt.Errorf("link %s: %s", l.Name, l.Why))
				}
			}
			return needsDaemon(err)
		},
	}
	c.Flags().BoolVar(&ready, "ready", false, "and has every link caught up?")
	return c
}
