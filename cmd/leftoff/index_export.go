package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/configs"
)

func (a *app) indexExportCommand() *cobra.Command {
	return a.withLink(&cobra.Command{
		Use: "export", Short: "the whole index as lines of JSON", Args: cobra.NoArgs,
		Long: `Every topic, partition, run and verdict, for other programs, and for import on another machine.`,
		Example: `  leftoff index export > west-east.jsonl
  leftoff index export --link west-east | gzip > west-east.jsonl.gz`,
		RunE: func(*cobra.Command, []string) error {
			cfg, name, err := a.oneLink()
			if err != nil {
				return err
			}
			x, err := a.openIndex(cfg, name)
			if err != nil {
				return err
			}
			defer a.busy("export " + name)()
			out := bufio.NewWriterSize(a.out, 1<<20)
			err = x.Export(out)
			return errors.Join(err, out.Flush(), x.Close())
		},
	})
}

func (a *app) indexImportCommand() *cobra.Command {
	return a.withLink(&cobra.Command{
		Use: "import FILE | -", Short: "a new index from what export wrote", Args: cobra.ExactArgs(1),
		Long: `Makes the link's index, which must not be there yet, and checks it.`,
		Example: `  leftoff index import west-east.jsonl
  leftoff index import --link west-east -`,
		RunE: func(_ *cobra.Command, args []string) error {
			cfg, name, err := a.oneLink()
			if err != nil {
				return err
			}
			return a.indexImport(cfg, name, args[0])
		},
	})
}

func (a *app) indexImport(cfg configs.Config, link, file string) error {
	in := a.in
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	path := cfg.IndexPath(link)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	defer a.busy("import " + link)()
	if err := checkpoint.Import(path, bufio.NewReaderSize(in, 1<<20)); err != nil {
		return fmt.Errorf("link %s: %w", link, err)
	}
	fmt.Fprintf(a.out, "%s: imported and checked\n", path)
	return nil
}

// oneLink is that of --link, or the only one.
func (a *app) oneLink() (configs.Config, string, error) {
	cfg, err := a.load()
	if err != nil {
		return cfg, "", err
	}
	names, err := a.chosenLinks(cfg)
	if err == nil && len(names) != 1 {
		err = usage("%s has %s", a.config, plural(len(names), "link")).hint("--link with one of them")
	}
	if err != nil {
		return cfg, "", err
	}
	return cfg, names[0], nil
}
