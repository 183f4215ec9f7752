package record_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/feed"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/record"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openaichat"
)

// nothing keeps nothing.
type nothing struct{}

func (nothing) Start(*llm.Interaction)                      {}
func (nothing) Finish(context.Context, *record.Entry) error { return nil }

// asked is a request as OpenAI's client for Python makes it.
func asked() *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/v1/openai/p/chat/completions", nil)
	for name, value := range map[string]string{
		"Accept": "application/json", "Accept-Encoding": "gzip, deflate", "Connection": "keep-alive", "Content-Type": "application/json",
		"User-Agent": "OpenAI/Python 1.99.0", "Authorization": "Bearer sk-test-0123456789abcdefghij", "X-Stainless-Arch": "x64", "X-Stainless-Async": "false",
		"X-Stainless-Lang": "python", "X-Stainless-Os": "Linux", "X-Stainless-Package-Version": "1.99.0", "X-Stainless-Retry-Count": "0",
		"X-Stainless-Runtime": "CPython", "X-Stainless-Runtime-Version": "3.12.3", "X-Stainless-Read-Timeout": "600",
	} {
		r.Header.Set(name, value)
	}
	return r
}

// answered is the header of an answer.
func answered(media string) http.Header {
	return http.Header{
		"Content-Type": {media}, "Date": {"Fri, 02 Jan 2026 03:04:05 GMT"}, "Openai-Organization": {"user-x"}, "Openai-Processing-Ms": {"412"},
		"Openai-Version": {"2020-10-01"}, "X-Ratelimit-Limit-Requests": {"10000"}, "X-Ratelimit-Remaining-Tokens": {"199000"}, "X-Request-Id": {"req_0123456789abcdef"},
	}
}

var fox = strings.Repeat("The quick brown fox jumps over the lazy dog. ", 20)

// exchange is one exchange from its begin to its record.
type exchange struct {
	rec    *record.Recorder
	target record.Target
	req    *http.Request
	header http.Header
	body   []byte
	answer [][]byte // chunks
}

func newExchange(media string, answer ...[]byte) *exchange {
	return &exchange{
		rec:    record.New(record.Options{Sink: nothing{}, Feed: feed.New()}),
		target: record.Target{Provider: "openai", Profile: "p", API: llm.APIChatCompletions, Format: openaichat.New()},
		req:    asked(), header: answered(media), answer: answer,
		body: []byte(`{"model":"gpt-4o","messages":[{"role":"user","content":"` + fox + `"}]}`),
	}
}

func (e *exchange) run() error {
	x := e.rec.Begin(e.req, e.target)
	x.Request(record.Body{Data: e.body, Size: int64(len(e.body))}, func(plain []byte, _ *wire.Reading, _ error) []byte { return plain })
	x.Sent()
	x.Connected(true)
	length := int64(-1)
	if len(e.answer) == 1 {
		length = int64(len(e.answer[0]))
	}
	x.Response(http.StatusOK, e.header, length)
	for _, c := range e.answer {
		x.Write(c)
		x.Overlong()
	}
	return x.Commit(record.End{})
}

func chat() *exchange {
	return newExchange("application/json", []byte(`{"id":"c","object":"chat.completion","model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"`+fox+`"},"finish_reason":"stop"}],"usage":{"prompt_tokens":20,"completion_tokens":10,"total_tokens":30}}`))
}

func burst(events int) *exchange {
	var chunks [][]byte
	for range events {
		chunks = append(chunks, []byte(`data: {"id":"c1","model":"gpt-4o","choices":[{"index":0,"delta":{"content":"hi "},"finish_reason":null}]}`+"\n\n"))
	}
	return newExchange("text/event-stream", append(chunks, []byte(`data: {"id":"c1","model":"gpt-4o","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`+"\n\ndata: [DONE]\n\n"))...)
}

// BenchmarkExchange is what a record costs without its sink, the decoding of both
// bodies included.
func BenchmarkExchange(b *testing.B) {
	for name, e := range map[string]*exchange{"chat": chat(), "burst-200": burst(200)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := e.run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
