package sdktest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
	"google.golang.org/genai"

	"github.com/archestra-ai/archestra-cli/pkg/wire"
	wireanthropic "github.com/archestra-ai/archestra-cli/pkg/wire/anthropic"
	"github.com/archestra-ai/archestra-cli/pkg/wire/gemini"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openaichat"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openairesponses"
)

// retrying refuses every call, tells the model so itself, and lets the SDK read
// the second response behind what had reached it of the first.
type retrying struct{ t *testing.T }

// RoundTrip implements http.RoundTripper.
func (r retrying) RoundTrip(req *http.Request) (*http.Response, error) {
	var format wire.Format
	switch path := req.URL.Path; {
	case strings.HasSuffix(path, "/chat/completions"):
		format = openaichat.New()
	case strings.HasSuffix(path, "/responses"):
		format = openairesponses.New()
	case strings.HasSuffix(path, "/messages"):
		format = wireanthropic.New()
	default:
		format = gemini.New()
	}
	request, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	_, first, err := exchange(req, request)
	if err != nil {
		return nil, err
	}
	contentType := first.Header.Get("Content-Type")
	streamed := strings.HasPrefix(contentType, "text/event-stream")
	body, err := io.ReadAll(first.Body)
	if err != nil {
		return nil, err
	}
	var sent []byte
	calls := 0
	if streamed {
		framer := format.NewFramer(contentType, maxBody)
		gate := format.(wire.Gated).NewGate(contentType, wire.GateOptions{})
		framer.Write(body)
		framer.Close()
		for f, ok := framer.Next(); ok; f, ok = framer.Next() {
			release, told := gate.Frame(f)
			sent = append(sent, release...)
			calls += len(told)
		}
	} else {
		calls = len(format.Answer(200, body).ToolCalls)
	}
	if calls == 0 {
		r.t.Errorf("%s: no call", req.URL.Path)
	}
	refusals := make([]string, calls)
	for i := range refusals {
		refusals[i] = refusalText
	}
	next, err := format.(wire.Continuing).Continue(request, body, contentType, refusals)
	if err != nil {
		return nil, err
	}
	out, res, err := exchange(req, next)
	if err != nil {
		return nil, err
	}
	if streamed {
		framer := format.NewFramer(contentType, maxBody)
		q := format.(wire.Continuing).NewSequel(contentType, sent)
		framer.Write(out)
		framer.Close()
		for f, ok := framer.Next(); ok; f, ok = framer.Next() {
			sent = append(sent, q.Frame(f)...)
		}
		out = sent
	} else if out, err = format.(wire.Continuing).Merge(body, out); err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(out))
	res.ContentLength = int64(len(out))
	res.Header.Del("Content-Length")
	return res, nil
}

// exchange sends the request with a body and reads the response, which must be a
// good one.
func exchange(req *http.Request, body []byte) ([]byte, *http.Response, error) {
	r := req.Clone(req.Context())
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, nil, err
	}
	out, err := io.ReadAll(res.Body)
	if err = closing(res.Body, err); err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", res.Status, out)
	}
	res.Body = io.NopCloser(bytes.NewReader(out))
	return out, res, err
}

// retried checks an answer that is put together from two.
func retried(t *testing.T, text string, calls int, reason string, want ...string) {
	t.Helper()
	if strings.ReplaceAll(text, "\n\n", "") != "Let me look.Mild everywhere." || calls != 0 {
		t.Errorf("the answer says %q, with %d calls", text, calls)
	}
	for _, w := range want {
		if reason == w {
			return
		}
	}
	t.Errorf("it ends with %q", reason)
}

func TestRetriedChat(t *testing.T) {
	c := openaiClient(targets[0], option.WithHTTPClient(&http.Client{Transport: retrying{t}}))
	stream := c.Chat.Completions.NewStreaming(t.Context(), chat(threeCalls))
	var acc openai.ChatCompletionAccumulator
	for stream.Next() {
		if !acc.AddChunk(stream.Current()) {
			t.Errorf("a chunk does not fit: %s", stream.Current().RawJSON())
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	whole, err := c.Chat.Completions.New(t.Context(), chat(threeCalls))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []openai.ChatCompletionChoice{acc.Choices[0], whole.Choices[0]} {
		retried(t, m.Message.Content, len(m.Message.ToolCalls), m.FinishReason, "stop")
	}
}

func TestRetriedMessages(t *testing.T) {
	c := anthropicClient(targets[0], anthropicoption.WithHTTPClient(&http.Client{Transport: retrying{t}}))
	stream := c.Messages.NewStreaming(t.Context(), message(threeCalls))
	var streamed anthropic.Message
	for stream.Next() {
		if err := streamed.Accumulate(stream.Current()); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	whole, err := c.Messages.New(t.Context(), message(threeCalls))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*anthropic.Message{whole, &streamed} {
		text, _, calls, _ := blocks(*m)
		retried(t, text, len(calls), string(m.StopReason), "end_turn")
	}
}

func TestRetriedResponses(t *testing.T) {
	c := openaiClient(targets[0], option.WithHTTPClient(&http.Client{Transport: retrying{t}}))
	params := responses.ResponseNewParams{
		Model: openaiModel,
		Input: responses.ResponseNewParamsInputUnion{OfString: openai.String(threeCalls)},
	}
	whole, err := c.Responses.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	stream := c.Responses.NewStreaming(t.Context(), params)
	var final responses.Response
	var text string
	var number int64
	for stream.Next() {
		e := stream.Current()
		if e.SequenceNumber != number {
			t.Errorf("event %s has number %d, want %d", e.Type, e.SequenceNumber, number)
		}
		number++
		switch e := e.AsAny().(type) {
		case responses.ResponseTextDeltaEvent:
			text += e.Delta
		case responses.ResponseCompletedEvent:
			final = e.Response
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	retried(t, text, 0, string(final.Status), "completed")
	for _, res := range []*responses.Response{whole, &final} {
		calls, _ := outputCalls(res)
		retried(t, res.OutputText(), len(calls), string(res.Status), "completed")
	}
}

func TestRetriedGemini(t *testing.T) {
	c, err := genai.NewClient(t.Context(), &genai.ClientConfig{
		Backend: genai.BackendGeminiAPI, APIKey: geminiKey, HTTPClient: &http.Client{Transport: retrying{t}},
		HTTPOptions: genai.HTTPOptions{BaseURL: targets[0].gemini},
	})
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Models.GenerateContent(t.Context(), geminiModel, genai.Text(threeCalls), geminiTools)
	if err != nil {
		t.Fatal(err)
	}
	retried(t, res.Text(), len(res.FunctionCalls()), string(res.Candidates[0].FinishReason), "STOP")
	var text, reason string
	calls := 0
	for res, err := range c.Models.GenerateContentStream(t.Context(), geminiModel, genai.Text(threeCalls), geminiTools) {
		if err != nil {
			t.Fatal(err)
		}
		text += res.Text()
		calls += len(res.FunctionCalls())
		if r := string(res.Candidates[0].FinishReason); r != "" {
			reason = r
		}
	}
	retried(t, text, calls, reason, "STOP")
}
