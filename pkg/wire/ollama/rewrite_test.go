package ollama_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/ollama"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func rewriting() wire.Rewriting { return ollama.Chat().(wire.Rewriting) }

func TestRewriteCases(t *testing.T) {
	wiretest.Rewrite(t, rewriting(), wiretest.GateCases(t, "ollama", rewriting()), nil)
}

func TestRewriteCorpus(t *testing.T) {
	wiretest.Rewrite(t, rewriting(), wiretest.CorpusCases(t, "ollama-native"), nil)
}

func FuzzRewrite(f *testing.F) { wiretest.FuzzRewrite(f, "ollama", rewriting()) }

func BenchmarkRewrite(b *testing.B) {
	var s strings.Builder
	for i := range 200 {
		fmt.Fprintf(&s, `{"model":"llama3.2","created_at":"2025-07-07T20:22:19.%06dZ","message":{"role":"assistant","content":" word%d"},"done":false}`+"\n", i, i)
	}
	wiretest.BenchRewrite(b, rewriting(), "application/x-ndjson", []byte(s.String()))
}
