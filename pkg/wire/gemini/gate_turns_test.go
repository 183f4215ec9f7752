package gemini_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func TestGateTurns(t *testing.T) {
	chunks := func(r *rand.Rand, turn wiretest.Turn) (all []string) {
		var parts []string
		add := func(part string) {
			if parts = append(parts, part); r.IntN(2) == 0 {
				all = append(all, `{"candidates":[{"content":{"parts":[`+strings.Join(parts, ", ")+`],"role":"model"}}]}`)
				parts = nil
			}
		}
		for _, p := range wiretest.Cut(r, turn.Text) {
			add(`{"text":` + wiretest.JSON(p) + `}`)
		}
		for _, c := range turn.Calls {
			add(`{"functionCall":{"id":` + wiretest.JSON(c.ID) + `,"name":` + wiretest.JSON(c.Name) + `,"args":` + string(c.Arguments) + `}}`)
		}
		return append(all, `{"candidates":[{"content":{"parts":[`+strings.Join(parts, ", ")+`],"role":"model"},"finishReason":"STOP"}]}`)
	}
	wiretest.Turns(t, gated(), "text/event-stream", func(r *rand.Rand, turn wiretest.Turn) string {
		return "data: " + strings.Join(chunks(r, turn), "\r\n\r\ndata: ") + "\r\n\r\n"
	})
	wiretest.Turns(t, gated(), "application/json", func(r *rand.Rand, turn wiretest.Turn) string {
		return "[" + strings.Join(chunks(r, turn), "\n,\r\n") + "\n]\n"
	})
}
