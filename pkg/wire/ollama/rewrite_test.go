package ollama_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/ollama"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func rewriting() wire.Rewriting { return ollama.Chat().(wire.Rewriting) }

func TestRewriteCases(t *testing.T) {
	wiretest.Rewrite(t, rewriting(), wiretest.GateCases(t, "ollama", rewriting()), order)
}

func TestRewriteCorpus(t *testing.T) {
	wiretest.Rewrite(t, rewriting(), wiretest.CorpusCases(t, "ollama-native"), order)
}

// order: nothing is said behind the line that is done.
func order(frames []sse.Frame) (faults []string) {
	over := false
	for _, f := range frames {
		var line struct {
			Message  struct{ Content, Thinking string }
			Response string
			Done     bool
		}
		if json.Unmarshal(f.Data, &line) != nil {
			continue
		}
		if text := line.Message.Content + line.Message.Thinking + line.Response; over && text != "" {
			faults = append(faults, text+" behind the end")
		}
		over = over || line.Done
	}
	return faults
}

func TestRewriteRedaction(t *testing.T) {
	wiretest.Redaction(t, rewriting(), "application/x-ndjson", func(said wiretest.Said) []byte {
		var b bytes.Buffer
		line := func(members, more string) {
			fmt.Fprintf(&b, `{"model":"m","created_at":"2025-07-07T20:22:19.%06dZ","message":{"role":"assistant",%s},"done":%s}`+"\n", b.Len(), members, more)
		}
		switch said.Channel {
		case "refusal":
			return nil
		case "tool_args":
			line(`"content":"","tool_calls":[{"function":{"name":"f","arguments":`+strings.Join(said.Pieces, "")+`}}]`, "false")
		default:
			for _, p := range said.Pieces {
				q, _ := json.Marshal(p)
				line(map[string]string{"content": `"content":`, "thinking": `"content":"","thinking":`}[said.Channel]+string(q), "false")
			}
		}
		line(`"content":""`, `true,"done_reason":"stop"`)
		return b.Bytes()
	})
}

func FuzzRewrite(f *testing.F) { wiretest.FuzzRewrite(f, "ollama", rewriting()) }

func BenchmarkRewrite(b *testing.B) {
	var s strings.Builder
	for i := range 200 {
		fmt.Fprintf(&s, `{"model":"llama3.2","created_at":"2025-07-07T20:22:19.%06dZ","message":{"role":"assistant","content":" word%d"},"done":false}`+"\n", i, i)
	}
	wiretest.BenchRewrite(b, rewriting(), "application/x-ndjson", []byte(s.String()))
}
