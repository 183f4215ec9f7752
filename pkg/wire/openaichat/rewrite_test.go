package openaichat_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openaichat"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func rewriting() wire.Rewriting { return openaichat.New().(wire.Rewriting) }

func TestRewriteCases(t *testing.T) {
	wiretest.Rewrite(t, rewriting(), wiretest.GateCases(t, "openaichat", rewriting()), nil)
}

func TestRewriteCorpus(t *testing.T) {
	wiretest.Rewrite(t, rewriting(), wiretest.CorpusCases(t, "chat"), nil)
}

func FuzzRewrite(f *testing.F) { wiretest.FuzzRewrite(f, "openaichat", rewriting()) }

func BenchmarkRewrite(b *testing.B) {
	for name, rest := range map[string]string{"alike": "", "padded": `,"obfuscation":"%s"`} {
		b.Run(name, func(b *testing.B) {
			var s strings.Builder
			for i := range 200 {
				fmt.Fprintf(&s, `data: {"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012","object":"chat.completion.chunk","created":1738000000,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{"index":0,"delta":{"content":" word%d"},"logprobs":null,"finish_reason":null}],"usage":null`, i)
				if rest != "" {
					fmt.Fprintf(&s, rest, strings.Repeat("x", 1+i%9))
				}
				s.WriteString("}\n\n")
			}
			wiretest.BenchRewrite(b, rewriting(), stream, []byte(s.String()))
		})
	}
}
