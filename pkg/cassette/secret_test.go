package cassette

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/anthropic"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openaichat"
)

// Whatever a stream cuts where, what is hidden is in no text of it, and comes back
// byte for byte.
func FuzzReveal(f *testing.F) {
	f.Add("In /home/alice/src/shop of /home/alice the key ghp_0123456789abcdefghij", uint64(7), false)
	f.Add("ghp_0123456789abcdefghijghp_0123456789abcdefghij/home/alice/src", uint64(1<<40+5), true)
	f.Add("ä\"\\\n\u2028😀/home/alice😀", uint64(3), true)
	q := Request{hidden: []hidden{{"/home/alice", "PATH"}, {"ghp_0123456789abcdefghij", "SECRET"}, {"/home/alice/src/shop", "PATH"}, {"REDACTED_EMAIL_0a1b2c3d4e5f6071", "EMAIL"}}}
	f.Fuzz(func(t *testing.T, text string, cuts uint64, escape bool) {
		text = strings.ToValidUTF8(text, "?")
		if placeholder.MatchString(text) {
			return // it cannot be told from a number
		}
		text = "REDACTED_EMAIL_0a1b2c3d4e5f6071 " + text
		var format wire.Format = openaichat.New()
		shape := "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%s}}]}\n\n"
		if cuts%2 == 1 {
			format, shape = anthropic.New(), "event: content_block_delta\r\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":%s}}\r\n\r\n"
		}
		var body bytes.Buffer
		for rest := []rune(text); len(rest) > 0; {
			n := min(int(cuts%13)+1, len(rest))
			cuts = cuts>>3 | cuts<<61
			lit, err := json.Marshal(string(rest[:n]))
			if err != nil {
				t.Fatal(err)
			}
			if escape {
				lit = bytes.ReplaceAll(lit, []byte("o"), []byte(`\u006f`))
			}
			fmt.Fprintf(&body, shape, lit)
			rest = rest[n:]
		}
		const contentType = "text/event-stream"
		concealed := withNumbers(format, contentType, bytes.Clone(body.Bytes()), q)
		for _, s := range textsOf(format, contentType, concealed) {
			for _, h := range q.hidden {
				if strings.Contains(s.text, h.value) && !placeholderOf(h.value) {
					t.Errorf("%q is in %q", h.value, s.text)
				}
			}
		}
		if len(concealed) == body.Len() && bytes.Equal(concealed, body.Bytes()) {
			t.Error("nothing was concealed")
		}
		if escape {
			return // other escapes than are usual do not come back as they were
		}
		if got := reveal(concealed, q); !bytes.Equal(got, body.Bytes()) {
			t.Errorf("\n%s\nbecame\n%s\nthen\n%s", body.Bytes(), concealed, got)
		}
	})
}

func placeholderOf(v string) bool { return placeholder.MatchString(v) }
