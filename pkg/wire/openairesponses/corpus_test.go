package openairesponses_test

import (
	"encoding/json"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openairesponses"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func TestCorpus(t *testing.T) {
	const client = "the client executes it, whatever expect.json files it under"
	wiretest.Suite{
		Kind:   "responses",
		Format: func(wiretest.Exchange) wire.Format { return openairesponses.New() },
		Extra:  status,
		Known: map[string]string{
			"openai-responses/007-openai-responses-apply-patch-toolset-stream-i2 number of tool calls": client,
			"openai-responses/012-openai-client-tool-search-streaming-i1 number of tool calls":         client,
			"openai-responses/013-openai-local-shell-tool-1 number of tool calls":                      client,
		},
	}.Run(t)
}

// status compares the finish reason with the status or the reason for being
// incomplete.
func status(x wiretest.Exchange, a llm.Answer) (fields int, diffs []wiretest.Difference) {
	var want string
	for _, member := range []string{"incomplete_reason", "status"} {
		if err := json.Unmarshal(x.Expect.Members[member], &want); err == nil && want != "" {
			break
		}
	}
	if want == "" {
		return 0, nil
	}
	if got := a.FinishReasons; len(got) != 1 || got[0] != want {
		diffs = append(diffs, wiretest.Difference{Field: "status", Want: want, Got: got})
	}
	return 1, diffs
}
