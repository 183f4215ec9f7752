package wire_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// prose makes a JSON string of about n bytes, such as the output of a tool: code
// with its line ends and quotes.
func prose(r *rand.Rand, n int) string {
	words := strings.Fields(`func main return the error of a file that was not read when package context value string lines of output`)
	var b strings.Builder
	b.WriteByte('"')
	for i := 1; b.Len() < n; i++ {
		b.WriteString(words[r.IntN(len(words))])
		switch {
		case i%29 == 0:
			b.WriteString(` \"quoted\" `)
		case i%8 == 0:
			b.WriteString(`\n\t`)
		default:
			b.WriteByte(' ')
		}
	}
	b.WriteByte('"')
	return b.String()
}

// agent makes the turn of an agent, with that many messages of 3 kB each and 16
// tools: of 64 messages, 200 kB.
func agent(f wire.Format, messages int) []byte {
	r := rand.New(rand.NewPCG(5, 6))
	t := &talk{api: f.API(), rand: r, head: []string{`"model":"some-model"`, `"stream":true`}}
	t.tail = []string{t.tools(16)}
	for i := range messages {
		t.messages = append(t.messages, t.message(i%3, fmt.Sprintf(`"call_%d"`, i/3), prose(r, [...]int{500, 3000, 6000}[i%3])))
	}
	return t.body()
}

var benches = []wire.Pieced{formats[0].Pieced, formats[1].Pieced, formats[2].Pieced, formats[3].Pieced}

// BenchmarkTurn reads the turns of a conversation of 64 messages to which two are
// added each time.
func BenchmarkTurn(b *testing.B) {
	for _, f := range benches {
		bodies := make([][]byte, 16)
		for i := range bodies {
			bodies[i] = agent(f, 64+2*i)
		}
		run := func(name string, read func(i int)) {
			b.Run(string(f.API())+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(bodies[0])))
				i := 0
				for b.Loop() {
					read(i)
					i++
				}
			})
		}
		run("whole", func(i int) { whole(f, bodies[i%16]) })
		run("first", func(i int) { wire.NewHistory(0).Read(f, bodies[i%16]) })
		var h *wire.History
		run("next", func(i int) {
			if i%15 == 0 {
				b.StopTimer()
				h = wire.NewHistory(0)
				h.Read(f, bodies[0])
				b.StartTimer()
			}
			h.Read(f, bodies[1+i%15])
		})
		h = wire.NewHistory(0)
		run("same", func(int) { h.Read(f, bodies[0]) })
	}
}

func whole(f wire.Format, body []byte) {
	f.Scan(body)
	_, _ = f.Conversation(body)
	_ = jsonscan.Check(body)
}

func BenchmarkSizes(b *testing.B) {
	f := formats[1].Pieced
	for _, size := range []int{1, 2, 4, 6, 8, 12, 16, 32} {
		r := rand.New(rand.NewPCG(5, 6))
		t := &talk{api: f.API(), rand: r, head: []string{`"model":"some-model"`, `"stream":true`}}
		for range 1 + size {
			t.messages = append(t.messages, t.message(0, "", prose(r, 850)))
		}
		body := t.body()
		b.Run(fmt.Sprintf("whole/%dkB", size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				whole(f, body)
			}
		})
		h := wire.NewHistory(0)
		b.Run(fmt.Sprintf("pieces/%dkB", size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h.ReadPieces(f, body)
			}
		})
	}
}

func BenchmarkImage(b *testing.B) {
	f := formats[0].Pieced
	body := fmt.Appendf(nil, `{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"what is it?"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"%s"}}]}]}`, strings.Repeat("iVBORw0K", 128<<10))
	for name, read := range map[string]func(){
		"whole": func() { whole(f, body) },
		"first": func() { wire.NewHistory(0).Read(f, body) },
		"seen":  func() { benchHistory.Read(f, body) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				read()
			}
		})
	}
}

var benchHistory = wire.NewHistory(0)
