package sdktest

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"
)

const openaiModel = "gpt-4o-mini" // the one that the simulated provider lists

func openaiClient(to target, opts ...option.RequestOption) openai.Client {
	return openai.NewClient(append([]option.RequestOption{
		option.WithBaseURL(to.openai), option.WithAPIKey(openaiKey), option.WithMaxRetries(0),
	}, opts...)...)
}

func chat(words string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:    openaiModel,
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(words)},
		Tools: []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
			Name: "get_weather", Parameters: shared.FunctionParameters{"type": "object"},
		})},
	}
}

const twoCalls = `[[sim: text "Let me look." | call get_weather {"city":"Paris"} | call get_weather {"city":"Köln"} | then | text "Mild everywhere." | usage 100 20 cached 40]]`

// call is a tool call as any SDK tells it.
type call struct{ Name, Arguments string }

var wantCalls = []call{{"get_weather", `{"city":"Paris"}`}, {"get_weather", `{"city":"Köln"}`}}

func chatCalls(m openai.ChatCompletionMessage) []call {
	var all []call
	for _, c := range m.ToolCalls {
		all = append(all, call{c.Function.Name, c.Function.Arguments})
	}
	return all
}

func TestOpenAIChat(t *testing.T) {
	each(t, func(t *testing.T, to target) {
		c := openaiClient(to)
		params := chat(twoCalls)
		res, err := c.Chat.Completions.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		m := res.Choices[0]
		if m.Message.Content != "Let me look." || m.FinishReason != "tool_calls" {
			t.Errorf("%q, %s", m.Message.Content, m.FinishReason)
		}
		if d := cmp.Diff(wantCalls, chatCalls(m.Message)); d != "" {
			t.Error(d)
		}
		params.Messages = append(params.Messages, m.Message.ToParam())
		for _, tc := range m.Message.ToolCalls {
			params.Messages = append(params.Messages, openai.ToolMessage("20 degrees", tc.ID))
		}
		res, err = c.Chat.Completions.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		if got := res.Choices[0].Message.Content; got != "Mild everywhere." {
			t.Errorf("the second turn says %q", got)
		}
		if u := res.Usage; u.PromptTokens != 100 || u.CompletionTokens != 20 || u.PromptTokensDetails.CachedTokens != 40 {
			t.Errorf("usage %+v", u)
		}
	})
}

func TestOpenAIChatStream(t *testing.T) {
	each(t, func(t *testing.T, to target) {
		for _, withUsage := range []bool{false, true} {
			c := openaiClient(to)
			params := chat(twoCalls)
			if withUsage {
				params.StreamOptions.IncludeUsage = openai.Bool(true)
			}
			stream := c.Chat.Completions.NewStreaming(t.Context(), params)
			var acc openai.ChatCompletionAccumulator
			usages := 0
			for stream.Next() {
				chunk := stream.Current()
				if chunk.JSON.Usage.Valid() {
					usages++
				}
				if !acc.AddChunk(chunk) {
					t.Errorf("a chunk does not fit: %s", chunk.RawJSON())
				}
			}
			if err := stream.Err(); err != nil {
				t.Fatal(err)
			}
			m := acc.Choices[0]
			if m.Message.Content != "Let me look." || m.FinishReason != "tool_calls" {
				t.Errorf("%q, %s", m.Message.Content, m.FinishReason)
			}
			if d := cmp.Diff(wantCalls, chatCalls(m.Message)); d != "" {
				t.Error(d)
			}
			// PROVIDERS.md W1: usage is for those who asked.
			if want := map[bool]int{true: 1}[withUsage]; usages != want {
				t.Errorf("usage came %d times, want %d", usages, want)
			}
		}
	})
}

func TestOpenAIResponses(t *testing.T) {
	each(t, func(t *testing.T, to target) {
		c := openaiClient(to)
		params := responses.ResponseNewParams{
			Model: openaiModel,
			Input: responses.ResponseNewParamsInputUnion{OfString: openai.String(twoCalls)},
			Tools: []responses.ToolUnionParam{responses.ToolParamOfFunction("get_weather", map[string]any{"type": "object"}, false)},
		}
		res, err := c.Responses.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		if res.OutputText() != "Let me look." || res.Status != "completed" {
			t.Errorf("%q, %s", res.OutputText(), res.Status)
		}
		calls, results := outputCalls(res)
		if d := cmp.Diff(wantCalls, calls); d != "" {
			t.Error(d)
		}
		params.PreviousResponseID = openai.String(res.ID)
		params.Input = responses.ResponseNewParamsInputUnion{OfInputItemList: results}
		res, err = c.Responses.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		if res.OutputText() != "Mild everywhere." || res.Usage.InputTokens != 100 || res.Usage.OutputTokens != 20 {
			t.Errorf("the second turn: %q, %+v", res.OutputText(), res.Usage)
		}
		if got, err := c.Responses.Get(t.Context(), res.ID, responses.ResponseGetParams{}); err != nil || got.ID != res.ID {
			t.Errorf("a kept response: %v", err)
		}
	})
}

// outputCalls returns a response's calls, and results for them.
func outputCalls(res *responses.Response) (calls []call, results responses.ResponseInputParam) {
	for _, item := range res.Output {
		if item.Type == "function_call" {
			f := item.AsFunctionCall()
			calls = append(calls, call{f.Name, f.Arguments})
			out := responses.ResponseInputItemParamOfFunctionCallOutput("20 degrees")
			out.OfFunctionCallOutput.CallID = openai.String(f.CallID)
			results = append(results, out)
		}
	}
	return calls, results
}

func TestOpenAIResponsesStream(t *testing.T) {
	each(t, func(t *testing.T, to target) {
		c := openaiClient(to)
		stream := c.Responses.NewStreaming(t.Context(), responses.ResponseNewParams{
			Model: openaiModel,
			Input: responses.ResponseNewParamsInputUnion{OfString: openai.String(twoCalls)},
		})
		var text, last string
		var calls []call
		var number int64
		var final responses.Response
		for stream.Next() {
			e := stream.Current()
			if e.SequenceNumber != number {
				t.Errorf("event %s has number %d, want %d", e.Type, e.SequenceNumber, number)
			}
			number++
			last = e.Type
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
		if text != "Let me look." || last != "response.completed" || final.OutputText() != text {
			t.Errorf("%q, %q, ends with %s", text, final.OutputText(), last)
		}
		if d := cmp.Diff(wantCalls, calls); d != "" {
			t.Error(d)
		}
		if got, _ := outputCalls(&final); !cmp.Equal(got, wantCalls) {
			t.Errorf("the final response has the calls %v", got)
		}
	})
}

func TestOpenAIRest(t *testing.T) {
	each(t, func(t *testing.T, to target) {
		c := openaiClient(to)
		models, err := c.Models.List(t.Context())
		if err != nil || len(models.Data) != 1 || models.Data[0].ID != "gpt-4o-mini" {
			t.Errorf("models: %v %+v", err, models)
		}
		if m, err := c.Models.Get(t.Context(), "gpt-4o-mini"); err != nil || m.OwnedBy != "openai" {
			t.Errorf("a model: %v", err)
		}
		e, err := c.Embeddings.New(t.Context(), openai.EmbeddingNewParams{
			Model: openai.EmbeddingModelTextEmbedding3Small, Dimensions: openai.Int(8),
			Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"a", "b"}},
		})
		if err != nil || len(e.Data) != 2 || len(e.Data[1].Embedding) != 8 || e.Usage.PromptTokens != 2 {
			t.Errorf("embeddings: %v %+v", err, e)
		}
		content := strings.Repeat("a line of a file\n", 10_000)
		f, err := c.Files.New(t.Context(), openai.FileNewParams{
			File: openai.File(strings.NewReader(content), "lines.jsonl", "application/jsonl"), Purpose: openai.FilePurposeBatch,
		})
		if err != nil || f.Bytes != int64(len(content)) || f.Filename != "lines.jsonl" {
			t.Fatalf("files: %v %+v", err, f)
		}
		res, err := c.Files.Content(t.Context(), f.ID)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if b, err := io.ReadAll(res.Body); err != nil || string(b) != content {
			t.Errorf("a file's content: %v, %d bytes", err, len(b))
		}
	})
}

func TestOpenAIErrors(t *testing.T) {
	each(t, func(t *testing.T, to target) {
		c := openaiClient(to)
		ask := map[string]func(words string) error{
			"chat": func(w string) error { _, err := c.Chat.Completions.New(t.Context(), chat(w)); return err },
			"chat stream": func(w string) error {
				s := c.Chat.Completions.NewStreaming(t.Context(), chat(w))
				if s.Next() {
					t.Error("an event in a failed stream")
				}
				return s.Err()
			},
			"responses": func(w string) error {
				_, err := c.Responses.New(t.Context(), responses.ResponseNewParams{Input: responses.ResponseNewParamsInputUnion{OfString: openai.String(w)}, Model: "gpt"})
				return err
			},
			"embeddings": func(w string) error {
				_, err := c.Embeddings.New(t.Context(), openai.EmbeddingNewParams{}, option.WithHeader("X-Simulate", strings.Trim(w, "[]")[len("sim:"):]))
				return err
			},
		}
		for api, f := range ask {
			for _, want := range failures {
				var e *openai.Error
				if err := f(want.script()); !errors.As(err, &e) {
					t.Errorf("%s %d: %T %v", api, want.status, err, err)
					continue
				}
				if e.StatusCode != want.status || e.Type != want.openai || e.Message != words {
					t.Errorf("%s %d: %d %q %q", api, want.status, e.StatusCode, e.Type, e.Message)
				}
				if want.status == http.StatusTooManyRequests && (e.Code != "rate_limit_exceeded" || e.Response.Header.Get("Retry-After") != "20" || e.Response.Header.Get("X-Ratelimit-Remaining-Requests") != "0") {
					t.Errorf("%s 429: code %q, headers %v", api, e.Code, e.Response.Header)
				}
			}
		}
		wrong := openaiClient(to, option.WithAPIKey("sk-some-other-key-of-mine"))
		var e *openai.Error
		if _, err := wrong.Chat.Completions.New(t.Context(), chat("hi")); !errors.As(err, &e) || e.StatusCode != 401 || e.Code != "invalid_api_key" {
			t.Errorf("a wrong key: %v", err)
		}
	})
}

func TestOpenAIBrokenStreams(t *testing.T) {
	each(t, func(t *testing.T, to target) {
		c := openaiClient(to)
		for script, want := range map[string]string{
			`[[sim: text "a b c d" | error-midstream 500 "broke half way"]]`: "broke half way",
			`[[sim: text "a b c d" | cut 3]]`:                                "EOF",
		} {
			s := c.Chat.Completions.NewStreaming(t.Context(), chat(script))
			var text string
			for s.Next() {
				if ch := s.Current().Choices; len(ch) > 0 {
					text += ch[0].Delta.Content
				}
			}
			if err := s.Err(); err == nil || !strings.Contains(err.Error(), want) || text != "a b" {
				t.Errorf("%s: %q then %v", script, text, err)
			}
		}
	})
}
