// Command archestra is a local security proxy between AI applications and model
// providers. `archestra --help` tells the rest.
package main

import (
	"os"

	"github.com/archestra-ai/archestra-cli/pkg/cli"
)

func main() { os.Exit(cli.Main()) }
