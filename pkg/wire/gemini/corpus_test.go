package gemini_test

import (
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/gemini"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func TestCorpus(t *testing.T) {
	wiretest.Suite{
		Kind:   "gemini",
		Format: func(wiretest.Exchange) wire.Format { return gemini.New() },
	}.Run(t)
}
