// Command archestra is a local security proxy between AI applications and model
// providers. `archestra --help` tells the rest.
package main

import (
	"io"
	"log"
	"os"

	"github.com/archestra-ai/archestra-cli/pkg/cli"
)

func main() {
	// net/http's transport tells the standard logger, and no other, what bytes begin with
	// that a provider sends unasked. No content is logged.
	log.SetOutput(io.Discard)
	os.Exit(cli.Main())
}
