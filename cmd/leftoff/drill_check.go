package main

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/leftoff/leftoff/replicator/drill"
)

func (a *app) drillCheckCommand() *cobra.Command {
	var by string
	c := &cobra.Command{
		Use: "check FILE.json", Short: "was a drill's report changed, and who signed it?", Args: cobra.ExactArgs(1),
		Long: `Computes the checksum of a report again and compares it with the one it states; where the report is signed, checks the signature, too.
Without --public-key that says that the report is as whoever signed it left it; with it, that the owner of the key did.

Exit status: 1 where the report was changed, its signature is wrong, or it is not signed with the key that was given.`,
		Example: `  leftoff drill check drill.json
  leftoff drill check archive/2026-11.json --public-key audit.pub`,
		RunE: func(_ *cobra.Command, args []string) error { return a.checkDrill(args[0], by) },
	}
	c.Flags().StringVar(&by, "public-key", "", "the file of the Ed25519 public key (PEM) that it has to be signed with")
	return c
}

func (a *app) checkDrill(path, by string) error {
	var key ed25519.PublicKey
	if by != "" {
		var err error
		if key, err = drill.LoadPublicKey(by); err != nil {
			return err
		}
	}
	encoded, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	r, err := drill.Check(encoded)
	if err == nil && (key != nil || r.Signature != nil) {
		err = drill.CheckSignature(r, key)
	}
	switch {
	case errors.Is(err, drill.ErrNotAReport):
		return fmt.Errorf("%s: %w", path, err)
	case err != nil:
		fmt.Fprintf(a.out, "%s: %v\n", path, err)
		return errBad
	}
	fmt.Fprintf(a.out, "%s is as it was written: drill %s of link %s, %s, %s\n", path, r.ID, r.Link, r.Began.Format(time.RFC3339), r.Result)
	switch {
	case key != nil:
		fmt.Fprintf(a.out, "signed with this key, %s\n", r.SignedBy())
	case r.Signature != nil:
		fmt.Fprintf(a.out, "signed with the key %s; --public-key says whether that is the one you mean\n", r.SignedBy())
	}
	return nil
}
