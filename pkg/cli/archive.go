package cli

import (
	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/control"
)

// openStore opens the records of a data directory for reading.
func openStore(*config.Config) (control.Reader, func(), error) { return nothing{}, func() {}, nil }
