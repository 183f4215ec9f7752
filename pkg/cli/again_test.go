package cli

import (
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/provider"
)

// Another provider is asked the same thing: what only its own provider keeps, or does
// by another path, is not turned into something else.
func TestSamePath(t *testing.T) {
	for _, c := range []struct{ method, path, to, want string }{
		{"POST", "/v1/openai/p/chat/completions", "xai", "/v1/xai/q/chat/completions"},
		{"POST", "/v1/openai/p/v1/Chat/completions/", "xai", "/v1/xai/q/chat/completions"},
		{"POST", "/v1/openai/p/responses", "vllm", "/v1/vllm/q/responses"},
		{"POST", "/v1/openai/p/responses/compact", "vllm", "/v1/vllm/q/responses/compact"},
		{"POST", "/v1/anthropic/p/v1/messages", "xai", "/v1/xai/q/messages"},
		{"POST", "/v1/ollama/p/api/chat", "openai", ""},
		{"GET", "/v1/openai/p/responses/r1", "xai", ""},
		{"POST", "/v1/openai/p/responses/r1/cancel", "xai", ""},
		{"GET", "/v1/openai/p/chat/completions/k1", "cerebras", ""},
		{"POST", "/v1/vllm/p/invocations", "openai", ""},
		{"POST", "/v1/openai/p/embeddings", "xai", ""},
	} {
		was, err := provider.Resolve(c.method, c.path)
		if err != nil {
			t.Fatal(err)
		}
		to, _ := provider.Lookup(c.to)
		if got := samePath(to, "q", was); got != c.want {
			t.Errorf("%s %s at %s: %q, want %q", c.method, c.path, c.to, got, c.want)
		}
	}
}
