package anthropic_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func TestGateTurns(t *testing.T) {
	wiretest.Turns(t, gated(), stream, func(r *rand.Rand, turn wiretest.Turn) string {
		var b strings.Builder
		b.WriteString(start)
		b.WriteString(event("content_block_start", `"index":0,"content_block":{"type":"text","text":""}`))
		for _, p := range wiretest.Cut(r, turn.Text) {
			b.WriteString(event("content_block_delta", `"index":0,"delta":{"type":"text_delta","text":`+wiretest.JSON(p)+`}`))
		}
		b.WriteString(event("content_block_stop", `"index":0`))
		for i, c := range turn.Calls {
			at := fmt.Sprintf(`"index":%d`, i+1)
			b.WriteString(event("content_block_start", at+`,"content_block":{"type":"tool_use","id":`+wiretest.JSON(c.ID)+`,"name":`+wiretest.JSON(c.Name)+`,"input":{}}`))
			for _, p := range wiretest.Cut(r, string(c.Arguments)) {
				b.WriteString(event("content_block_delta", at+`,"delta":{"type":"input_json_delta","partial_json":`+wiretest.JSON(p)+`}`))
			}
			b.WriteString(event("content_block_stop", at))
		}
		b.WriteString(event("message_delta", `"delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9}`) + end)
		return b.String()
	})
	wiretest.Turns(t, gated(), "application/json", func(_ *rand.Rand, turn wiretest.Turn) string {
		blocks := []string{`{"type":"text","text":` + wiretest.JSON(turn.Text) + `}`}
		for _, c := range turn.Calls {
			blocks = append(blocks, `{"type":"tool_use","id":`+wiretest.JSON(c.ID)+`,"name":`+wiretest.JSON(c.Name)+`,"input":`+string(c.Arguments)+`}`)
		}
		return `{"id":"m","type":"message","content":[` + strings.Join(blocks, ", ") + `],"stop_reason":"tool_use"}`
	})
}
