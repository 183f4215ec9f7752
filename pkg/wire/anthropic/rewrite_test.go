package anthropic_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/anthropic"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func rewriting() wire.Rewriting { return anthropic.New().(wire.Rewriting) }

func TestRewriteCases(t *testing.T) {
	wiretest.Rewrite(t, rewriting(), wiretest.GateCases(t, "anthropic", rewriting()), nil)
}

func TestRewriteCorpus(t *testing.T) {
	wiretest.Rewrite(t, rewriting(), wiretest.CorpusCases(t, "anthropic"), nil)
}

func FuzzRewrite(f *testing.F) { wiretest.FuzzRewrite(f, "anthropic", rewriting()) }

func BenchmarkRewrite(b *testing.B) {
	var s strings.Builder
	for i := range 200 {
		fmt.Fprintf(&s, "event: content_block_delta\ndata: "+`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" word\n%d"}}`+"\n\n", i)
	}
	wiretest.BenchRewrite(b, rewriting(), "text/event-stream", []byte(s.String()))
}
