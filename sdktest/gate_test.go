package sdktest

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	"github.com/google/go-cmp/cmp"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
	"google.golang.org/genai"

	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	wireanthropic "github.com/archestra-ai/archestra-cli/pkg/wire/anthropic"
	"github.com/archestra-ai/archestra-cli/pkg/wire/gemini"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openaichat"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openairesponses"
)

// gating sends every response through its format's gate, which refuses the
// calls about those cities.
type gating struct{ refused []string }

const refusalText = "The rule \"weather\" refuses this call."

// RoundTrip implements http.RoundTripper.
func (g gating) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || res.StatusCode >= 400 {
		return res, err
	}
	body, err := io.ReadAll(res.Body)
	if err = closing(res.Body, err); err != nil {
		return nil, err
	}
	var format wire.Format
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/chat/completions"):
		format = openaichat.New()
	case strings.HasSuffix(path, "/responses"):
		format = openairesponses.New()
	case strings.HasSuffix(path, "/messages"):
		format = wireanthropic.New()
	default:
		format = gemini.New()
	}
	contentType := res.Header.Get("Content-Type")
	out, err := g.pass(format.(wire.Gated), contentType, body)
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(out))
	res.ContentLength = int64(len(out))
	res.Header.Del("Content-Length")
	return res, nil
}

func closing(c io.Closer, err error) error {
	if e := c.Close(); err == nil {
		err = e
	}
	return err
}

func (g gating) pass(format wire.Gated, contentType string, body []byte) (out []byte, err error) {
	if !strings.HasPrefix(contentType, "text/event-stream") {
		return format.Screen(body, wire.GateOptions{}, g.judge)
	}
	gate := format.NewGate(contentType, wire.GateOptions{MaxHeld: maxBody})
	framer := sse.NewEvents(maxBody)
	framer.Write(body)
	framer.Close()
	for f, ok := framer.Next(); ok; f, ok = framer.Next() {
		release, calls := gate.Frame(f)
		out = append(out, release...)
		for _, c := range calls {
			out = append(out, gate.Decide(c.N, g.judge(c))...)
		}
	}
	release, _ := gate.Close()
	return append(out, release...), nil
}

func (g gating) judge(c wire.Call) wire.Decision {
	for _, city := range g.refused {
		if bytes.Contains(c.Arguments, []byte(city)) {
			return wire.Decision{Text: refusalText}
		}
	}
	return wire.Decision{Allow: true}
}

const threeCalls = `[[sim: text "Let me look." | call get_weather {"city":"Paris"} | call get_weather {"city":"Oslo"} | call get_weather {"city":"Rome"} | then | text "Mild everywhere."]]`

// Each SDK reads a response of which one call of three, or all of them, were
// refused; and the simulated provider, which refuses a history with a call that
// has no result, takes what the SDK makes of it.
var refusals = []struct {
	refused []string
	calls   []call
}{
	{[]string{"Oslo"}, []call{{"get_weather", `{"city":"Paris"}`}, {"get_weather", `{"city":"Rome"}`}}},
	{[]string{"Paris", "Oslo", "Rome"}, nil},
}

// says checks the text of an answer with refusals.
func says(t *testing.T, text string, refused []string) {
	t.Helper()
	if !strings.HasPrefix(text, "Let me look.") || strings.Count(text, refusalText) != len(refused) {
		t.Errorf("the answer says %q", text)
	}
}

func TestRefusedChat(t *testing.T) {
	for _, r := range refusals {
		c := openaiClient(targets[0], option.WithHTTPClient(&http.Client{Transport: gating{r.refused}}))
		reason := map[bool]string{true: "tool_calls", false: "stop"}[r.calls != nil]
		params := chat(threeCalls)
		stream := c.Chat.Completions.NewStreaming(t.Context(), params)
		var acc openai.ChatCompletionAccumulator
		for stream.Next() {
			if !acc.AddChunk(stream.Current()) {
				t.Errorf("a chunk does not fit: %s", stream.Current().RawJSON())
			}
		}
		if err := stream.Err(); err != nil {
			t.Fatal(err)
		}
		whole, err := c.Chat.Completions.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []openai.ChatCompletionChoice{acc.Choices[0], whole.Choices[0]} {
			says(t, m.Message.Content, r.refused)
			if d := cmp.Diff(r.calls, chatCalls(m.Message)); d != "" || m.FinishReason != reason {
				t.Errorf("%s, %s", m.FinishReason, d)
			}
			next := params
			next.Messages = append(next.Messages[:1:1], m.Message.ToParam())
			for _, tc := range m.Message.ToolCalls {
				next.Messages = append(next.Messages, openai.ToolMessage("20 degrees", tc.ID))
			}
			if len(r.calls) == 0 {
				next.Messages = append(next.Messages, openai.UserMessage("Go on."))
			}
			if _, err := c.Chat.Completions.New(t.Context(), next); err != nil {
				t.Errorf("the next turn: %v", err)
			}
		}
	}
}

func TestRefusedResponses(t *testing.T) {
	for _, r := range refusals {
		c := openaiClient(targets[0], option.WithHTTPClient(&http.Client{Transport: gating{r.refused}}))
		params := responses.ResponseNewParams{
			Model: openaiModel,
			Input: responses.ResponseNewParamsInputUnion{OfString: openai.String(threeCalls)},
		}
		whole, err := c.Responses.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		stream := c.Responses.NewStreaming(t.Context(), params)
		var number int64
		var final responses.Response
		var text string
		var calls []call
		for stream.Next() {
			e := stream.Current()
			if e.SequenceNumber != number {
				t.Errorf("event %s has number %d, want %d", e.Type, e.SequenceNumber, number)
			}
			number++
			switch e := e.AsAny().(type) {
			case responses.ResponseTextDeltaEvent:
				text += e.Delta
			case responses.ResponseFunctionCallArgumentsDoneEvent:
				calls = append(calls, call{"get_weather", e.Arguments})
			case responses.ResponseCompletedEvent:
				final = e.Response
			}
		}
		if err := stream.Err(); err != nil {
			t.Fatal(err)
		}
		says(t, text, r.refused)
		if d := cmp.Diff(r.calls, calls); d != "" {
			t.Errorf("the events' calls: %s", d)
		}
		for _, res := range []*responses.Response{whole, &final} {
			says(t, res.OutputText(), r.refused)
			calls, _ := outputCalls(res)
			if d := cmp.Diff(r.calls, calls); d != "" || res.Status != "completed" {
				t.Errorf("%s, %s", res.Status, d)
			}
		}
	}
}

func TestRefusedMessages(t *testing.T) {
	for _, r := range refusals {
		c := anthropicClient(targets[0], anthropicoption.WithHTTPClient(&http.Client{Transport: gating{r.refused}}))
		reason := map[bool]anthropic.StopReason{true: anthropic.StopReasonToolUse, false: anthropic.StopReasonEndTurn}[r.calls != nil]
		params := message(threeCalls)
		whole, err := c.Messages.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		stream := c.Messages.NewStreaming(t.Context(), params)
		var streamed anthropic.Message
		for stream.Next() {
			if err := streamed.Accumulate(stream.Current()); err != nil {
				t.Fatal(err)
			}
		}
		if err := stream.Err(); err != nil {
			t.Fatal(err)
		}
		for _, m := range []*anthropic.Message{whole, &streamed} {
			text, _, calls, results := blocks(*m)
			says(t, text, r.refused)
			if d := cmp.Diff(r.calls, calls); d != "" || m.StopReason != reason {
				t.Errorf("%s, %s", m.StopReason, d)
			}
			if len(results) == 0 {
				results = append(results, anthropic.NewTextBlock("Go on."))
			}
			next := params
			next.Messages = append(next.Messages[:1:1], m.ToParam(), anthropic.NewUserMessage(results...))
			if _, err := c.Messages.New(t.Context(), next); err != nil {
				t.Errorf("the next turn: %v", err)
			}
		}
	}
}

func TestRefusedGemini(t *testing.T) {
	for _, r := range refusals {
		c, err := genai.NewClient(t.Context(), &genai.ClientConfig{
			Backend: genai.BackendGeminiAPI, APIKey: geminiKey, HTTPClient: &http.Client{Transport: gating{r.refused}},
			HTTPOptions: genai.HTTPOptions{BaseURL: targets[0].gemini},
		})
		if err != nil {
			t.Fatal(err)
		}
		check := func(text string, calls []call) {
			t.Helper()
			says(t, text, r.refused)
			if d := cmp.Diff(r.calls, calls); d != "" {
				t.Error(d)
			}
		}
		res, err := c.Models.GenerateContent(t.Context(), geminiModel, genai.Text(threeCalls), geminiTools)
		if err != nil {
			t.Fatal(err)
		}
		check(res.Text(), geminiCalls(t, res.FunctionCalls()))
		var text string
		var calls []call
		for res, err := range c.Models.GenerateContentStream(t.Context(), geminiModel, genai.Text(threeCalls), geminiTools) {
			if err != nil {
				t.Fatal(err)
			}
			text += res.Text()
			calls = append(calls, geminiCalls(t, res.FunctionCalls())...)
		}
		check(text, calls)
	}
}
