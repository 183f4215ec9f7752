package openaichat_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func TestGateTurns(t *testing.T) {
	wiretest.Turns(t, gated(), stream, writeStream)
	wiretest.Turns(t, gated(), "application/json", writeBody)
}

// writeStream interleaves the parts of the calls, and gives several a chunk.
func writeStream(r *rand.Rand, turn wiretest.Turn) string {
	var b strings.Builder
	chunk := func(delta string, finish string) {
		fmt.Fprintf(&b, "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":%s,\"finish_reason\":%s}]}\n\n", delta, finish)
	}
	chunk(`{"role":"assistant","content":""}`, "null")
	for _, p := range wiretest.Cut(r, turn.Text) {
		chunk(`{"content":`+wiretest.JSON(p)+`}`, "null")
	}
	pieces := make([][]string, len(turn.Calls))
	for i, c := range turn.Calls {
		pieces[i] = []string{fmt.Sprintf(`{"index":%d,"id":%s,"type":"function","function":{"name":%s,"arguments":""}}`, i, wiretest.JSON(c.ID), wiretest.JSON(c.Name))}
		for _, p := range wiretest.Cut(r, string(c.Arguments)) {
			pieces[i] = append(pieces[i], fmt.Sprintf(`{"index":%d,"function":{"arguments":%s}}`, i, wiretest.JSON(p)))
		}
	}
	var parts []string
	for begun := 1; ; {
		left := begun < len(pieces)
		for i := range begun {
			n := min(r.IntN(3), len(pieces[i]))
			parts, pieces[i] = append(parts, pieces[i][:n]...), pieces[i][n:]
			left = left || len(pieces[i]) > 0
		}
		if len(parts) > 0 && (r.IntN(2) == 0 || !left) {
			chunk(`{"tool_calls":[`+strings.Join(parts, ",")+`]}`, "null")
			parts = nil
		}
		if !left {
			chunk("{}", `"tool_calls"`)
			return b.String() + "data: [DONE]\n\n"
		}
		// The calls begin in order.
		if last := pieces[begun-1]; begun < len(pieces) && (len(last) == 0 || !strings.Contains(last[0], `"id":`)) {
			begun++
		}
	}
}

func writeBody(_ *rand.Rand, turn wiretest.Turn) string {
	var calls []string
	for _, c := range turn.Calls {
		calls = append(calls, fmt.Sprintf(`{"id":%s,"type":"function","function":{"name":%s,"arguments":%s}}`, wiretest.JSON(c.ID), wiretest.JSON(c.Name), wiretest.JSON(string(c.Arguments))))
	}
	return fmt.Sprintf(`{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":%s,"tool_calls":[%s]},"finish_reason":"tool_calls"}]}`,
		wiretest.JSON(turn.Text), strings.Join(calls, " , "))
}
