package anthropic_test

import (
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/anthropic"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func TestCorpus(t *testing.T) {
	wiretest.Suite{
		Kind:   "anthropic",
		Format: func(wiretest.Exchange) wire.Format { return anthropic.New() },
	}.Run(t)
}
