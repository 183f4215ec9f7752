package gemini_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/gemini"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func rewriting() wire.Rewriting { return gemini.New().(wire.Rewriting) }

func TestRewriteCases(t *testing.T) {
	wiretest.Rewrite(t, rewriting(), wiretest.GateCases(t, "gemini", rewriting()), nil)
}

func TestRewriteCorpus(t *testing.T) {
	wiretest.Rewrite(t, rewriting(), wiretest.CorpusCases(t, "gemini"), nil)
}

func FuzzRewrite(f *testing.F) { wiretest.FuzzRewrite(f, "gemini", rewriting()) }

func BenchmarkRewrite(b *testing.B) {
	var s strings.Builder
	for i := range 200 {
		fmt.Fprintf(&s, `data: {"candidates":[{"content":{"parts":[{"text":" some more words %d"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":%d,"totalTokenCount":%d,"promptTokensDetails":[{"modality":"TEXT","tokenCount":10}]},"modelVersion":"gemini-2.5-flash","responseId":"abcdefghijklmnopqrstuv"}`+"\r\n\r\n", i, i, 10+i)
	}
	wiretest.BenchRewrite(b, rewriting(), "text/event-stream", []byte(s.String()))
}
