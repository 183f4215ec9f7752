package cli

import (
	"net/http"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// What cannot be sent again is refused, with the reason, before anything is sent.
func TestReplayRefuses(t *testing.T) {
	for want, change := range map[string]func(*llm.Interaction, *memory){
		"longer than what is kept": func(_ *llm.Interaction, m *memory) { m.exchange.Request.Truncated = true },
		"was a WebSocket":          func(i *llm.Interaction, _ *memory) { i.Status = http.StatusSwitchingProtocols },
		"has not ended yet":        func(i *llm.Interaction, _ *memory) { i.State = llm.StateStreaming },
		"was not kept":             func(_ *llm.Interaction, m *memory) { m.bodies = nil },
		"leads nowhere any more":   func(i *llm.Interaction, _ *memory) { i.Path = "/v1/forgotten/x/y" },
		"names no model":           func(_ *llm.Interaction, m *memory) { m.bodies[control.SideRequest] = "not JSON" },
	} {
		i := agentTurn()
		m := &memory{interactions: []*llm.Interaction{i}, exchange: &control.Exchange{}, bodies: map[control.Side]string{control.SideRequest: `{"model":"m"}`}}
		change(i, m)
		dir := serve(t, m)
		var out, talk printed
		code := command(t, t.Context(), dir, terminal{}, &out, &talk, "replay", "last", "--model", "x")
		if code != exitFailure || !strings.Contains(talk.String(), want) {
			t.Errorf("%s: code %d, %s%s", want, code, out.String(), talk.String())
		}
	}
}

func TestAgainHeader(t *testing.T) {
	was := http.Header{
		"Content-Type": {"application/json"}, "Anthropic-Version": {"2023-06-01"}, "Openai-Beta": {"x"}, "Authorization": {"[redacted]"}, "X-Api-Key": {"[redacted]"},
		"X-Custom-Token": {"[redacted]"}, "Content-Length": {"5"}, "Content-Encoding": {"gzip"}, "Accept-Encoding": {"gzip"}, "User-Agent": {"x"}, "Sec-Fetch-Mode": {"cors"},
	}
	for elsewhere, want := range map[bool]string{false: "Anthropic-Version Content-Type Openai-Beta", true: "Anthropic-Version Content-Type"} {
		if got := sortedNames(againHeader(was, elsewhere)); got != want {
			t.Errorf("elsewhere %v: %s", elsewhere, got)
		}
	}
}

func sortedNames(h http.Header) string {
	var b strings.Builder
	_ = h.Write(&b) // a builder takes everything; names come in order
	var names []string
	for line := range strings.Lines(b.String()) {
		name, _, _ := strings.Cut(line, ":")
		names = append(names, name)
	}
	return strings.Join(names, " ")
}
