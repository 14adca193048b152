package main

import (
	"fmt"
	"io"

	"github.com/taproom-shop/taproom/services/shop"
)

type secretsCmd struct {
	Folder string `arg:"" help:"Folder to make them in." type:"path"`
}

// Run makes the secrets that the folder lacks.
func (c *secretsCmd) Run(out io.Writer) error {
	if err := shop.MakeSecrets(c.Folder); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "The shop's secrets are in %s. Keep a copy: without master.key nobody can read the data of persons.\n", c.Folder)
	return err
}
