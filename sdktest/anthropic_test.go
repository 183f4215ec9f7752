package sdktest

import (
	"errors"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
	"github.com/google/go-cmp/cmp"
)

func anthropicClient(to target, opts ...option.RequestOption) anthropic.Client {
	return anthropic.NewClient(append([]option.RequestOption{
		option.WithoutEnvironmentDefaults(),
		option.WithBaseURL(to.anthropic), option.WithAPIKey(anthropicKey), option.WithMaxRetries(0),
	}, opts...)...)
}

func message(words string) anthropic.MessageNewParams {
	return anthropic.MessageNewParams{
		Model: anthropic.ModelClaudeHaiku4_5, MaxTokens: 1024,
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(words))},
		Tools:    []anthropic.ToolUnionParam{anthropic.ToolUnionParamOfTool(anthropic.ToolInputSchemaParam{}, "get_weather")},
	}
}

// blocks splits a message into its text, thinking and calls; results answer the calls.
func blocks(m anthropic.Message) (text, thinking string, calls []call, results []anthropic.ContentBlockParamUnion) {
	for _, b := range m.Content {
		switch b := b.AsAny().(type) {
		case anthropic.TextBlock:
			text += b.Text
		case anthropic.ThinkingBlock:
			thinking += b.Thinking
		case anthropic.ToolUseBlock:
			calls = append(calls, call{b.Name, string(b.Input)})
			results = append(results, anthropic.NewToolResultBlock(b.ID, "20 degrees", false))
		}
	}
	return text, thinking, calls, results
}

func TestAnthropicMessages(t *testing.T) {
	each(t, func(t *testing.T, to target) {
		c := anthropicClient(to)
		params := message(twoCalls)
		m, err := c.Messages.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		text, _, calls, results := blocks(*m)
		if text != "Let me look." || m.StopReason != anthropic.StopReasonToolUse {
			t.Errorf("%q, %s", text, m.StopReason)
		}
		if d := cmp.Diff(wantCalls, calls); d != "" {
			t.Error(d)
		}
		params.Messages = append(params.Messages, m.ToParam(), anthropic.NewUserMessage(results...))
		if m, err = c.Messages.New(t.Context(), params); err != nil {
			t.Fatal(err)
		}
		text, _, _, _ = blocks(*m)
		if u := m.Usage; text != "Mild everywhere." || u.InputTokens != 60 || u.CacheReadInputTokens != 40 || u.OutputTokens != 20 {
			t.Errorf("the second turn: %q, %+v", text, u)
		}
	})
}

func TestAnthropicStream(t *testing.T) {
	each(t, func(t *testing.T, to target) {
		c := anthropicClient(to)
		for script, want := range map[string]struct {
			text, thinking string
			calls          []call
			stop           anthropic.StopReason
		}{
			twoCalls: {"Let me look.", "", wantCalls, anthropic.StopReasonToolUse},
			`[[sim: reason "Hard to say." | text "Perhaps."]]`: {"Perhaps.", "Hard to say.", nil, anthropic.StopReasonEndTurn},
			`[[sim: text "Cut" | finish length]]`:              {"Cut", "", nil, anthropic.StopReasonMaxTokens},
		} {
			stream := c.Messages.NewStreaming(t.Context(), message(script))
			var m anthropic.Message
			var last string
			for stream.Next() {
				last = stream.Current().Type
				if err := m.Accumulate(stream.Current()); err != nil {
					t.Fatal(err)
				}
			}
			if err := stream.Err(); err != nil {
				t.Fatal(err)
			}
			text, thinking, calls, _ := blocks(m)
			if text != want.text || thinking != want.thinking || m.StopReason != want.stop || last != "message_stop" {
				t.Errorf("%q, %q, %s, ends with %s", text, thinking, m.StopReason, last)
			}
			if d := cmp.Diff(want.calls, calls); d != "" {
				t.Error(d)
			}
			if m.Usage.OutputTokens == 0 || m.Usage.InputTokens == 0 {
				t.Errorf("usage %+v", m.Usage)
			}
		}
	})
}

func TestAnthropicRest(t *testing.T) {
	each(t, func(t *testing.T, to target) {
		c := anthropicClient(to)
		n, err := c.Messages.CountTokens(t.Context(), anthropic.MessageCountTokensParams{
			Model: anthropic.ModelClaudeHaiku4_5, Messages: message("one two three").Messages,
		})
		if err != nil || n.InputTokens != 3 {
			t.Errorf("count_tokens: %v %+v", err, n)
		}
		models, err := c.Models.List(t.Context(), anthropic.ModelListParams{})
		if err != nil || len(models.Data) != 1 || models.Data[0].ID != "claude-sonnet-4-5" {
			t.Errorf("models: %v %+v", err, models)
		}
		bearer := anthropicClient(to, option.WithHeaderDel("X-Api-Key"), option.WithHeader("Authorization", "Bearer "+anthropicKey))
		if _, err := bearer.Messages.New(t.Context(), message("hi")); err != nil {
			t.Errorf("the key as a bearer: %v", err)
		}
	})
}

func TestAnthropicErrors(t *testing.T) {
	each(t, func(t *testing.T, to target) {
		c := anthropicClient(to)
		ask := map[string]func(words string) error{
			"messages": func(w string) error { _, err := c.Messages.New(t.Context(), message(w)); return err },
			"stream": func(w string) error {
				s := c.Messages.NewStreaming(t.Context(), message(w))
				if s.Next() {
					t.Error("an event in a failed stream")
				}
				return s.Err()
			},
		}
		for api, f := range ask {
			for _, want := range failures {
				var e *anthropic.Error
				if err := f(want.script()); !errors.As(err, &e) {
					t.Errorf("%s %d: %T %v", api, want.status, err, err)
					continue
				}
				if e.StatusCode != want.status || string(e.Type()) != want.anthropic || e.RequestID == "" || !contains(e.RawJSON(), words) {
					t.Errorf("%s %d: %d %q %s", api, want.status, e.StatusCode, e.Type(), e.RawJSON())
				}
				if want.status == 429 && (e.Response.Header.Get("Retry-After") != "7" || e.Response.Header.Get("Anthropic-Ratelimit-Requests-Remaining") != "0") {
					t.Errorf("%s 429: headers %v", api, e.Response.Header)
				}
			}
		}
		s := c.Messages.NewStreaming(t.Context(), message(`[[sim: text "a b c d" | error-midstream 529]]`))
		events := 0
		for s.Next() {
			events++
		}
		var e *anthropic.Error
		if err := s.Err(); !errors.As(err, &e) || e.Type() != "overloaded_error" || events == 0 {
			t.Errorf("an error after %d events: %v", events, s.Err())
		}
		wrong := anthropicClient(to, option.WithAPIKey("sk-ant-other"))
		if _, err := wrong.Messages.New(t.Context(), message("hi")); !errors.As(err, &e) || e.StatusCode != 401 || e.Type() != "authentication_error" {
			t.Errorf("a wrong key: %v", err)
		}
	})
}
