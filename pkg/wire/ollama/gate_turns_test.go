package ollama_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func TestGateTurns(t *testing.T) {
	wiretest.Turns(t, gated(), "application/x-ndjson", func(r *rand.Rand, turn wiretest.Turn) string {
		var b strings.Builder
		for _, p := range wiretest.Cut(r, turn.Text) {
			b.WriteString(`{"model":"m","message":{"role":"assistant","content":` + wiretest.JSON(p) + `},"done":false}` + "\n")
		}
		var calls []string
		for i, c := range turn.Calls {
			calls = append(calls, `{"id":`+wiretest.JSON(c.ID)+`,"function":{"name":`+wiretest.JSON(c.Name)+`,"arguments":`+string(c.Arguments)+`}}`)
			if r.IntN(2) == 0 || i == len(turn.Calls)-1 {
				b.WriteString(`{"model":"m","message":{"role":"assistant","content":"","tool_calls":[` + strings.Join(calls, ",") + `]},"done":false}` + "\n")
				calls = nil
			}
		}
		return b.String() + `{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop"}` + "\n"
	})
}
