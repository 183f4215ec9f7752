package gemini_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/gemini"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func rewriting() wire.Rewriting { return gemini.New().(wire.Rewriting) }

func TestRewriteCases(t *testing.T) {
	wiretest.Rewrite(t, rewriting(), wiretest.GateCases(t, "gemini", rewriting()), order)
}

func TestRewriteCorpus(t *testing.T) {
	wiretest.Rewrite(t, rewriting(), wiretest.CorpusCases(t, "gemini"), order)
}

// order: nothing is said of a candidate behind its end, unless code ran there.
func order(frames []sse.Frame) (faults []string) {
	over := map[int]bool{}
	for _, f := range frames {
		var chunk struct {
			Candidates []struct {
				Index   int
				Content struct{ Parts []struct{ Text string } }
				Finish  any `json:"finishReason"`
			}
		}
		if json.Unmarshal(f.Data, &chunk) != nil {
			continue
		}
		for _, c := range chunk.Candidates {
			for _, p := range c.Content.Parts {
				if over[c.Index] && p.Text != "" {
					faults = append(faults, fmt.Sprintf("%q behind the end of candidate %d", p.Text, c.Index))
				}
			}
			over[c.Index] = over[c.Index] || c.Finish != nil
		}
	}
	return faults
}

func TestRewriteRedaction(t *testing.T) {
	wiretest.Redaction(t, rewriting(), "text/event-stream", func(said wiretest.Said) []byte {
		var b bytes.Buffer
		chunk := func(parts, more string) {
			fmt.Fprintf(&b, "data: "+`{"candidates":[{"content":{"parts":[%s],"role":"model"},"index":0%s}],"usageMetadata":{"totalTokenCount":%d}}`+"\r\n\r\n", parts, more, b.Len())
		}
		switch said.Channel {
		case "refusal":
			return nil
		case "tool_args":
			chunk(`{"functionCall":{"name":"f","args":`+strings.Join(said.Pieces, "")+`}}`, `,"finishReason":"STOP"`)
			return b.Bytes()
		}
		for i, p := range said.Pieces {
			q, _ := json.Marshal(p)
			part, more := `{"text":`+string(q)+`}`, ""
			if said.Channel == "thinking" {
				part = `{"text":` + string(q) + `,"thought":true}`
			}
			if i == len(said.Pieces)-1 { // the API ends with the last text, or behind it
				more = `,"finishReason":"STOP"`
			}
			chunk(part, more)
		}
		return b.Bytes()
	})
}

func FuzzRewrite(f *testing.F) { wiretest.FuzzRewrite(f, "gemini", rewriting()) }

func BenchmarkRewrite(b *testing.B) {
	var s strings.Builder
	for i := range 200 {
		fmt.Fprintf(&s, `data: {"candidates":[{"content":{"parts":[{"text":" some more words %d"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":%d,"totalTokenCount":%d,"promptTokensDetails":[{"modality":"TEXT","tokenCount":10}]},"modelVersion":"gemini-2.5-flash","responseId":"abcdefghijklmnopqrstuv"}`+"\r\n\r\n", i, i, 10+i)
	}
	wiretest.BenchRewrite(b, rewriting(), "text/event-stream", []byte(s.String()))
}

func TestRewriteDetails(t *testing.T) {
	for _, d := range [][3]string{
		{"thoughts, text and a call", `
			{"candidates":[{"content":{"parts":[{"text":"catca","thought":true,"thoughtSignature":"s"}]}}],"usageMetadata":{"x":1},"responseId":"r"}
			{"candidates":[{"content":{"parts":[{"text":"a ca"},{"functionCall":{"name":"cat","args":{"cat": 1}}},{"text":"t"}]}}]}
			{"candidates":[{"content":{"parts":[{"text":"ca"}]},"finishReason":"STOP"}]}`, `
			{"candidates":[{"content":{"parts":[{"text":"dog","thought":true,"thoughtSignature":"s"}]}}],"usageMetadata":{"x":1},"responseId":"r"}
			{"candidates":[{"content":{"parts":[{"text":"ca","thought":true}]}}],"responseId":"r"}
			{"candidates":[{"content":{"parts":[{"text":"a "},{"functionCall":{"name":"cat","args":{"dog":1}}},{"text":"dog"}]}}]}
			{"candidates":[{"content":{"parts":[{"text":"ca"}]},"finishReason":"STOP"}]}`},
		{"arguments in pieces", `
			{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","partialArgs":[{"jsonPath":"$.a","stringValue":"c","willContinue":true}],"willContinue":true}}]}}]}
			{"candidates":[{"content":{"parts":[{"functionCall":{"partialArgs":[{"jsonPath":"$.a","stringValue":"at \"c"}],"willContinue":true}}]}}]}
			{"candidates":[{"content":{"parts":[{"functionCall":{"partialArgs":[{"jsonPath":"$.b","stringValue":"at"}]}}]}}]}`, `
			{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","partialArgs":[{"jsonPath":"$.a","stringValue":"","willContinue":true}],"willContinue":true}}]}}]}
			{"candidates":[{"content":{"parts":[{"functionCall":{"partialArgs":[{"jsonPath":"$.a","stringValue":"dog \"c"}],"willContinue":true}}]}}]}
			{"candidates":[{"content":{"parts":[{"functionCall":{"partialArgs":[{"jsonPath":"$.b","stringValue":"at"}]}}]}}]}`},
		{"tokens of a changed text", `
			{"candidates":[{"content":{"parts":[{"text":"cat"}]},"logprobsResult":{"chosenCandidates":[{"token":"cat"}]}},{"index":1,"content":{"parts":[{"text":"cow"}]},"logprobsResult":{"chosenCandidates":[{"token":"cow"}]}}]}`, `
			{"candidates":[{"content":{"parts":[{"text":"dog"}]},"logprobsResult":{}},{"index":1,"content":{"parts":[{"text":"cow"}]},"logprobsResult":{"chosenCandidates":[{"token":"cow"}]}}]}`},
	} {
		wiretest.Detail(t, rewriting(), d[0], d[1], d[2])
	}
}
