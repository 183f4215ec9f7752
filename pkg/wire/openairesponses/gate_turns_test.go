package openairesponses_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func TestGateTurns(t *testing.T) {
	output := func(turn wiretest.Turn) (items []string) {
		items = append(items, `{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":`+wiretest.JSON(turn.Text)+`}]}`)
		for i, c := range turn.Calls {
			items = append(items, fmt.Sprintf(`{"id":"fc_%d","type":"function_call","status":"completed","arguments":%s,"call_id":%s,"name":%s}`,
				i, wiretest.JSON(string(c.Arguments)), wiretest.JSON(c.ID), wiretest.JSON(c.Name)))
		}
		return items
	}
	wiretest.Turns(t, gated(), stream, func(r *rand.Rand, turn wiretest.Turn) string {
		items := output(turn)
		all := []string{"response.output_item.added", `"output_index":0,"item":{"id":"msg_1","type":"message","status":"in_progress","role":"assistant","content":[]}`}
		for _, p := range wiretest.Cut(r, turn.Text) {
			all = append(all, "response.output_text.delta", `"item_id":"msg_1","output_index":0,"content_index":0,"delta":`+wiretest.JSON(p))
		}
		all = append(all, "response.output_item.done", `"output_index":0,"item":`+items[0])
		for i, c := range turn.Calls {
			at := fmt.Sprintf(`"output_index":%d`, i+1)
			of := fmt.Sprintf(`%s,"item_id":"fc_%d"`, at, i)
			all = append(all, "response.output_item.added", at+fmt.Sprintf(`,"item":{"id":"fc_%d","type":"function_call","status":"in_progress","arguments":"","call_id":%s,"name":%s}`, i, wiretest.JSON(c.ID), wiretest.JSON(c.Name)))
			for _, p := range wiretest.Cut(r, string(c.Arguments)) {
				all = append(all, "response.function_call_arguments.delta", of+`,"delta":`+wiretest.JSON(p))
			}
			all = append(all, "response.function_call_arguments.done", of+`,"arguments":`+wiretest.JSON(string(c.Arguments)),
				"response.output_item.done", at+`,"item":`+items[i+1])
		}
		return events(append(all, completed(items...)...)...)
	})
	wiretest.Turns(t, gated(), "application/json", func(_ *rand.Rand, turn wiretest.Turn) string {
		return `{"id":"resp_1","object":"response","status":"completed","output":[` + strings.Join(output(turn), ",\n") + `]}`
	})
}
