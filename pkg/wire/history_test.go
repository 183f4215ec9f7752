package wire_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/anthropic"
	"github.com/archestra-ai/archestra-cli/pkg/wire/gemini"
	"github.com/archestra-ai/archestra-cli/pkg/wire/ollama"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openaichat"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openairesponses"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

// formats are all that there are, with the kind that the corpus has for each.
var formats = []struct {
	wire.Pieced
	kind string
}{
	{anthropic.New().(wire.Pieced), "anthropic"}, {openaichat.New().(wire.Pieced), "chat"}, {openairesponses.New().(wire.Pieced), "responses"},
	{gemini.New().(wire.Pieced), "gemini"}, {ollama.Chat().(wire.Pieced), "ollama-native"}, {ollama.Generate().(wire.Pieced), "ollama-native"},
}

// same fails the test if r is not what the format itself says of a body.
func same(t *testing.T, f wire.Format, body []byte, read *wire.Reading) {
	t.Helper()
	r := *read
	want := wire.Reading{Request: f.Scan(body), Strict: jsonscan.Check(body), Seen: r.Seen}
	want.Conversation, want.Err = f.Conversation(body)
	got := r
	got.Conversation.Messages, got.Conversation.Tools = sumless(r.Conversation)
	if !reflect.DeepEqual(want.Request, got.Request) || !reflect.DeepEqual(want.Conversation, got.Conversation) ||
		text(want.Err) != text(got.Err) || text(want.Strict) != text(got.Strict) {
		diff := cmp.Diff(want, got, cmp.Transformer("text", text))
		t.Errorf("%s reads otherwise (-whole +pieces):\n%s\nof %.2000q", f.API(), diff, body)
	}
	for i := range r.Conversation.Messages {
		m := r.Conversation.Messages[i]
		was := m.Hash
		if m.Hash = 0; was != 0 && m.Sum() != was {
			t.Errorf("the hash of message %d is not its sum", i)
		}
		if m.Raw != 0 && m.Raw != llm.SumBytes(body[m.Span.Start:m.Span.End]) {
			t.Errorf("the hash of message %d's bytes is not theirs", i)
		}
	}
	for i := range r.Conversation.Tools {
		tool := r.Conversation.Tools[i]
		was := tool.Hash
		if tool.Hash = 0; was != 0 && tool.Sum() != was {
			t.Errorf("the hash of tool %d is not its sum", i)
		}
	}
}

func sumless(c llm.Conversation) (messages []llm.Message, tools []llm.Tool) {
	messages, tools = slices.Clone(c.Messages), slices.Clone(c.Tools)
	for i := range messages {
		messages[i].Hash, messages[i].Raw = 0, 0
	}
	for i := range tools {
		tools[i].Hash = 0
	}
	return messages, tools
}

func text(err error) string { return fmt.Sprint(err) }

// pieces reads a body, by its pieces if that can be, and checks what came of it.
func pieces(t *testing.T, h *wire.History, f wire.Format, body []byte) (r wire.Reading, ok bool) {
	t.Helper()
	body = bytes.Clone(body) // nothing that is kept may point into a body
	if r, ok = h.ReadPieces(f.(wire.Pieced), body); ok {
		same(t, f, body, &r)
	}
	for i := range body {
		body[i] = '#'
	}
	return r, ok
}

func TestHistoryOfTurns(t *testing.T) {
	for _, f := range formats {
		if f.API() == llm.APIOllamaGenerate {
			continue
		}
		t.Run(string(f.API()), func(t *testing.T) {
			h := wire.NewHistory(0)
			talk := newTalk(f.API(), rand.New(rand.NewPCG(1, 2)))
			before := 0
			for turn := range 12 {
				r, ok := pieces(t, h, f, talk.body())
				if !ok {
					t.Fatalf("turn %d was not read by pieces:\n%s", turn, talk.body())
				}
				if r.Seen != before || len(r.Conversation.Messages) != len(talk.messages) {
					t.Fatalf("turn %d: %d messages seen of %d, %d before", turn, r.Seen, len(talk.messages), before)
				}
				if again, _ := pieces(t, h, f, talk.body()); len(again.Conversation.Messages) > 0 &&
					&again.Conversation.Messages[0].Parts[0] != &r.Conversation.Messages[0].Parts[0] {
					t.Error("what stands where it stood was copied")
				}
				before = len(talk.messages)
				talk.add()
				talk.add()
			}
			r, ok := pieces(t, h, f, talk.shuffled())
			if !ok || r.Seen != before {
				t.Errorf("in another order of members %d messages were seen, %d before, by pieces: %v", r.Seen, before, ok)
			}
		})
	}
}

// TestHistoryOfAnyBody grows conversations, changes them anywhere, and cuts them.
func TestHistoryOfAnyBody(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 8
	}
	for _, f := range formats {
		t.Run(string(f.API()), func(t *testing.T) {
			h := wire.NewHistory(200 << 10) // so small that much is forgotten
			whole := 0
			for seed := range rounds {
				r := rand.New(rand.NewPCG(uint64(seed), 7))
				talk := newTalk(f.API(), r)
				for range 8 {
					for range r.IntN(3) {
						talk.add()
					}
					talk.change()
					body := talk.body()
					if r.IntN(4) == 0 {
						body = talk.shuffled()
					}
					if _, ok := pieces(t, h, f, body); ok {
						whole++
					}
					switch r.IntN(4) {
					case 0:
						body = body[:r.IntN(len(body))]
					case 1:
						body[r.IntN(len(body))] = "\"{}[],:\\ \xff\x00u0a"[r.IntN(13)]
					case 2:
						at := r.IntN(len(body))
						body = slices.Concat(body[:at], body[r.IntN(len(body)):])
					}
					pieces(t, h, f, body)
					same(t, f, body, h.Read(f, body))
				}
				if t.Failed() {
					return
				}
			}
			if f.API() != llm.APIOllamaGenerate && whole < rounds*4 {
				t.Errorf("only %d of %d bodies were read by pieces", whole, rounds*8)
			}
			if used, n, ordered := h.Held(); used > 200<<10 || n != ordered {
				t.Errorf("%d bytes are held; %d pieces, %d in order", used, n, ordered)
			}
		})
	}
}

func TestHistoryOfOddBodies(t *testing.T) {
	deep := strings.Repeat("[", 9997) + strings.Repeat("]", 9997)
	long := strings.Repeat("x", 8<<10)
	for _, f := range formats {
		h := wire.NewHistory(0)
		list := member(f.API())
		for _, text := range []string{
			``, `[]`, `{}`, `{"M":[]}`, `{"M":{}}`, `{"M":"` + long + `"}`, `{"M":[1]}`, `{"M":[{}],"M":[{}]}`, `{"M":[{"a":1,"a":2}]}`,
			`{"M":[{}]} x`, `{"M":[{}]`, `{"M":[{},]}`, `{"M":["a","a",[],[],{}]}`, `{"M":[{"role":"user","content":"` + long + `"}]}`,
			`{"M":[{"role":"user","x":` + deep + `}]}`, `{"M":[{"role":"user","x":[` + deep + `]}]}`, `{"tools":[` + deep + `],"M":[]}`,
			"{\"M\":[{\"role\":\"user\",\"content\":\"\xff\"}]}", "{\"\xff\":1,\"M\":[{}]}", "\ufeff{\"M\":[{}]}",
			`{"tools":null,"M":[],"system":null}`, `{"tools":[ ],"M":[]}`, `{"tools":{},"M":[]}`, `{"tools":"x","system":"","M":[]}`,
			`{"tools":[{"name":"a"}],"functions":[{"name":"b"}],"M":[]}`, `{"systemInstruction":{},"system_instruction":"a","M":[]}`,
			`{"m":1,"m":2,"M":[{}]}`, `{"a":{"m":1,"m":2},"M":[{}]}`, ` { "M" : [ {"role":"assistant"} , {"role":"user"} ] , "model" : "m" } `,
			`{"M":[{"role":"user"},{"role":"assistant"}],"instructions":[{"role":"user","content":"a"}],"user":7,"conversation":{"id":"c"}}`,
		} {
			body := []byte(strings.ReplaceAll(text, `"M"`, `"`+list+`"`))
			for range 2 {
				pieces(t, h, f, body)
				same(t, f, body, h.Read(f, body))
			}
		}
	}
}

func TestHistoryOfTheCorpus(t *testing.T) {
	for _, f := range formats {
		h := wire.NewHistory(0)
		for range 2 {
			for _, x := range wiretest.Corpus(t, f.kind) {
				if x.Request != nil {
					pieces(t, h, f, x.Request)
					same(t, f, x.Request, h.Read(f, x.Request))
				}
			}
		}
	}
}

func TestHistoryTogether(t *testing.T) {
	h := wire.NewHistory(300 << 10)
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			f := formats[n%2]
			talk := newTalk(f.API(), rand.New(rand.NewPCG(uint64(n/4), 3)))
			for range 20 {
				talk.add()
				body := talk.body()
				same(t, f, body, h.Read(f, body))
				pieces(t, h, f, body)
			}
		})
	}
	wg.Wait()
}

func TestHistoryIsBounded(t *testing.T) {
	h := wire.NewHistory(64 << 10)
	f := formats[0].Pieced
	for i := range 64 {
		body := fmt.Appendf(nil, `{"messages":[{"role":"user","content":"%d %s"},{"role":"user","content":"last"}]}`, i, strings.Repeat("word ", 2000))
		h.Read(f, body)
		if again := h.Read(f, body); again.Seen != 2 {
			t.Fatalf("%d of 2 messages seen", again.Seen)
		}
	}
	if used, n, ordered := h.Held(); used > 64<<10 || n < 4 || n > 16 || n != ordered {
		t.Errorf("%d bytes are held in %d pieces, %d in order", used, n, ordered)
	}
	many := []byte(`{"messages":[` + strings.Repeat(`{},`, 20000) + `{}]}`)
	if _, ok := pieces(t, h, f, many); ok {
		t.Error("a body of tiny messages was kept")
	}
	same(t, f, many, h.Read(f, many))
	image := fmt.Appendf(nil, `{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"%s"}}]}]}`, strings.Repeat("iVBORw0K", 128<<10))
	h = wire.NewHistory(0)
	same(t, f, image, h.Read(f, image))
	if used, _, _ := h.Held(); used > 2<<10 {
		t.Errorf("of an image %d bytes are kept", used)
	}
}

// What is read again and again stays, while much else comes and goes.
func TestHistoryKeepsWhatIsUsed(t *testing.T) {
	const most = 256 << 10
	h := wire.NewHistory(most)
	f := formats[0].Pieced
	body := func(name string, messages, words int) []byte {
		var b strings.Builder
		b.WriteString(`{"messages":[`)
		for i := range messages {
			fmt.Fprintf(&b, `{"role":"user","content":"%s %d %s"},`, name, i, strings.Repeat("word ", words))
		}
		return []byte(b.String() + `{"role":"user","content":"last"}]}`)
	}
	talk := body("talk", 20, 200)
	h.Read(f, talk)
	for i := range 200 {
		h.Read(f, body(fmt.Sprint("other ", i), 5, 800))
		if r := h.Read(f, talk); r.Seen != 21 {
			t.Fatalf("after %d others, %d of 21 messages were seen", i+1, r.Seen)
		}
	}
	if used, n, ordered := h.Held(); used > most || used < most/2 || n != ordered {
		t.Errorf("%d bytes are held in %d pieces, %d in order", used, n, ordered)
	}
}

func FuzzHistory(f *testing.F) {
	for i, format := range formats {
		talk := newTalk(format.API(), rand.New(rand.NewPCG(3, 4)))
		a := talk.body()
		talk.add()
		f.Add(byte(i), a, talk.body())
	}
	f.Add(byte(0), []byte(`{"messages":[{"role":"user"}],"tools":[ ]}`), []byte(`{"messages":[{"role":"user"},{}],"tools":null}`))
	f.Fuzz(func(t *testing.T, n byte, a, b []byte) {
		format := formats[int(n)%len(formats)]
		h := wire.NewHistory(0)
		for _, body := range [][]byte{a, b, a} {
			pieces(t, h, format, body)
		}
	})
}

func TestHistoryTellsApart(t *testing.T) {
	f := formats[3].Pieced
	x, y := `{"role":"user","parts":[{"text":"one"}]}`, `{"role":"user","parts":[{"text":"two"}]}`
	h := wire.NewHistory(0)
	for _, body := range []string{
		`{"contents":[` + x + `],"systemInstruction":` + y + `}`, // what follows is the same, but in another member
		`{"contents":[` + x + `,` + y + `]}`,
		`{"systemInstruction":` + y + `,"contents":[` + y + `]}`,
	} {
		if _, ok := pieces(t, h, f, []byte(body)); !ok {
			t.Errorf("%s was not read by pieces", body)
		}
	}
	// What was seen is counted up to the first message that was not.
	for body, seen := range map[string]int{
		`{"contents":[` + x + `,` + y + `,` + y + `]}`:                  3,
		`{"contents":[` + x + `,{"parts":[{"text":"new"}]},` + y + `]}`: 1,
	} {
		if r, _ := pieces(t, h, f, []byte(body)); r.Seen != seen {
			t.Errorf("%d messages seen of %s", r.Seen, body)
		}
	}
}

// What a turn allocates does not follow the messages that were seen.
func TestHistoryAllocatesForWhatIsNew(t *testing.T) {
	for _, f := range formats[:4] {
		for _, messages := range []int{30, 240} {
			h := wire.NewHistory(0)
			body := agent(f, messages)
			h.Read(f, body)
			if n := testing.AllocsPerRun(20, func() { h.Read(f, body) }); n > 20 { // with -race some more than without
				t.Errorf("%s: %v allocations for %d messages that were seen", f.API(), n, messages)
			}
		}
	}
}
