package openairesponses_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openairesponses"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func rewriting() wire.Rewriting { return openairesponses.New().(wire.Rewriting) }

func TestRewriteCases(t *testing.T) {
	wiretest.Rewrite(t, rewriting(), wiretest.GateCases(t, "openairesponses", rewriting()), nil)
}

func TestRewriteCorpus(t *testing.T) {
	wiretest.Rewrite(t, rewriting(), wiretest.CorpusCases(t, "responses"), nil)
}

func FuzzRewrite(f *testing.F) { wiretest.FuzzRewrite(f, "openairesponses", rewriting()) }

func BenchmarkRewrite(b *testing.B) {
	var s strings.Builder
	for i := range 200 {
		fmt.Fprintf(&s, "event: response.output_text.delta\ndata: "+`{"type":"response.output_text.delta","sequence_number":%d,"item_id":"msg_0123456789abcdef0123456789abcdef0123456789abcdef","output_index":0,"content_index":0,"delta":" word%d","logprobs":[],"obfuscation":"%s"}`+"\n\n", i, i, strings.Repeat("x", 1+i%9))
	}
	wiretest.BenchRewrite(b, rewriting(), "text/event-stream", []byte(s.String()))
}
