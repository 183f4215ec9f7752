package sdktest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"testing"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/google/go-cmp/cmp"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/responses"
	"google.golang.org/genai"
)

// recorded reads a profile's interactions as `archestra logs --json` tells them.
func (p *process) recorded(t *testing.T, profile string) []llm.Interaction {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), p.bin, "logs", "--json", "--data-dir", p.data, "--filter", "profile:"+profile)
	cmd.Env = []string{"HOME=" + p.data}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("archestra logs: %v\n%s", err, errs.String())
	}
	var all []llm.Interaction
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var i llm.Interaction
		if err := dec.Decode(&i); err != nil {
			t.Fatal(err)
		}
		all = append(all, i)
	}
	return all
}

// TestRecorded: what an SDK was told is what archestra recorded.
func TestRecorded(t *testing.T) {
	const script = `[[sim: text "Let me look." | call get_weather {"city":"Paris"} | usage 100 20]]`
	type row struct {
		Provider, API, State, Text, Call, Arguments string
		Stream                                      bool
		In, Out                                     int64
	}
	for _, to := range targets {
		if !to.archestra {
			continue
		}
		base := to.root + "/v1/"
		at := target{openai: base + "openai/recorded", anthropic: base + "anthropic/recorded"}
		oc, ac := openaiClient(at), anthropicClient(at)
		gc, err := genai.NewClient(t.Context(), &genai.ClientConfig{
			Backend: genai.BackendGeminiAPI, APIKey: geminiKey, HTTPOptions: genai.HTTPOptions{BaseURL: base + "gemini/recorded"},
		})
		if err != nil {
			t.Fatal(err)
		}
		input := responses.ResponseNewParams{Model: "gpt-4o-mini", Input: responses.ResponseNewParamsInputUnion{OfString: openai.String(script)}}
		said := row{State: "done", Text: "Let me look.", Call: "get_weather", Arguments: `{"city":"Paris"}`, In: 100, Out: 20}
		var want []row
		expect := func(provider, api string, stream bool, err error) {
			if err != nil {
				t.Fatalf("%s %s: %v", provider, api, err)
			}
			r := said
			r.Provider, r.API, r.Stream = provider, api, stream
			want = append(want, r)
		}
		_, err = oc.Chat.Completions.New(t.Context(), chat(script))
		expect("openai", "chat_completions", false, err)
		expect("openai", "chat_completions", true, drain(oc.Chat.Completions.NewStreaming(t.Context(), chat(script))))
		_, err = oc.Responses.New(t.Context(), input)
		expect("openai", "responses", false, err)
		expect("openai", "responses", true, drain(oc.Responses.NewStreaming(t.Context(), input)))
		_, err = ac.Messages.New(t.Context(), message(script))
		expect("anthropic", "messages", false, err)
		expect("anthropic", "messages", true, drain(ac.Messages.NewStreaming(t.Context(), message(script))))
		_, err = gc.Models.GenerateContent(t.Context(), geminiModel, genai.Text(script), nil)
		expect("gemini", "generate_content", false, err)
		for _, err = range gc.Models.GenerateContentStream(t.Context(), geminiModel, genai.Text(script), nil) {
			if err != nil {
				break
			}
		}
		expect("gemini", "generate_content", true, err)

		var got []row
		for _, i := range to.process.recorded(t, "recorded") {
			r := row{Provider: i.Provider, API: string(i.API), State: string(i.State), Text: i.Text, Stream: i.Stream}
			for _, c := range i.ToolCalls {
				r.Call, r.Arguments = r.Call+c.Name, r.Arguments+string(c.Arguments)
			}
			if u := i.Usage; u != nil && u.InputTokens != nil && u.OutputTokens != nil {
				r.In, r.Out = *u.InputTokens, *u.OutputTokens
			}
			got = append(got, r)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
}

// stream is a stream of either SDK.
type stream interface {
	Next() bool
	Err() error
}

func drain(s stream) error {
	for s.Next() {
	}
	return s.Err()
}

// TestLeaving: when an SDK gives up, the provider sees it, though its answer would take an hour.
func TestLeaving(t *testing.T) {
	each(t, func(t *testing.T, to target) {
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		c := openaiClient(to)
		before := len(sim.Disconnects())
		s := c.Chat.Completions.NewStreaming(ctx, chat(`[[sim: text "a b c" | delay 1h]]`))
		if !s.Next() {
			t.Fatalf("no event: %v", s.Err())
		}
		leave()
		bound, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := sim.AwaitDisconnects(bound, before+1); err != nil {
			t.Fatal(fmt.Errorf("the provider saw nothing: %w", err))
		}
		_ = s.Close()
	})
}
