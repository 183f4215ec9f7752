package llm_test

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// maker makes values of any type, from chance and from what it is told to use.
type maker struct {
	*rand.Rand
	t     testing.TB
	texts []string
	raws  []json.RawMessage
	dense float64 // how likely a value is not the zero value
}

var someTexts = []string{
	"", "hello", `quotes " and \ slashes /`, "\x00\x01\b\t\n\v\f\r\x1f \x7f", "<a href='x'>&amp;</a>", "größer, 世界, 👋",
	"a\u2028b\u2029c\u2027", "broken \xff\xc3( \xed\xa0\x80 end\xe2", "\ufffd", strings.Repeat("long ", 99),
}

var someRaws = []json.RawMessage{
	nil, {}, json.RawMessage(`{}`), json.RawMessage(`{"a":1,"b":[true,null,"x y"]}`), json.RawMessage(" {\n\t\"a\" : [ 1 , \"b\\\" c\\\\\" ] ,\r\n\"é\u2028\":-1.5e+9 }\n"),
	json.RawMessage(`"<&>"`), json.RawMessage(`12`), json.RawMessage("\"\xff\""),
}

func newMaker(t testing.TB, seed uint64, dense float64) *maker {
	return &maker{rand.New(rand.NewPCG(seed, 7)), t, someTexts, someRaws, dense}
}

func (m *maker) fill(v reflect.Value) {
	if v.Kind() != reflect.Struct && m.Float64() >= m.dense {
		return
	}
	switch v.Interface().(type) {
	case json.RawMessage:
		v.SetBytes(m.raws[m.IntN(len(m.raws))])
		return
	case time.Time:
		zones := []*time.Location{time.UTC, time.FixedZone("", 5*3600+1800), time.FixedZone("", -7*3600)}
		at := time.Unix(m.Int64N(1<<34), []int64{0, 5000, 123456789, 999999999}[m.IntN(4)])
		v.Set(reflect.ValueOf(at.In(zones[m.IntN(len(zones))])))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			m.fill(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		m.fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), m.IntN(4), 4))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			m.fill(v.Index(i))
		}
	case reflect.String:
		v.SetString(m.texts[m.IntN(len(m.texts))])
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(m.number())
	case reflect.Uint64:
		v.SetUint(uint64(m.number()))
	default:
		m.t.Fatalf("no value can be made of a %s", v.Type())
	}
}

func (m *maker) number() int64 {
	n := []int64{1, -1, 999, 1000, 10_500, 1_234_567_890, math.MaxInt64, math.MinInt64}[m.IntN(8)]
	if m.IntN(2) == 0 {
		n = m.Int64() >> m.IntN(64)
	}
	return n
}

// appender is what has an encoding of its own.
type appender interface {
	AppendJSON(dst []byte) ([]byte, error)
}

// byReflection is what the encoding must be.
func byReflection(v any) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

func checkEncoding(t *testing.T, v appender) {
	t.Helper()
	want, wantErr := byReflection(v)
	got, err := v.AppendJSON([]byte("before "))
	if (err != nil) != (wantErr != nil) {
		t.Fatalf("the error is %v, of encoding/json %v", err, wantErr)
	}
	if diff := cmp.Diff("before "+want, string(got)); diff != "" {
		t.Fatalf("not what encoding/json writes (-want +got):\n%s", diff)
	}
}

// TestEncode holds the encoding to the tags of the structs: every member that there
// is takes part, one of them at a time and all together.
func TestEncode(t *testing.T) {
	for seed := range uint64(1000) {
		m := newMaker(t, seed, []float64{0.1, 0.5, 0.9, 1}[seed%4])
		var i llm.Interaction
		m.fill(reflect.ValueOf(&i).Elem())
		checkEncoding(t, &i)
		var e llm.Event
		m.fill(reflect.ValueOf(&e).Elem())
		checkEncoding(t, &e)
	}
}

func TestEncodeFails(t *testing.T) {
	for _, raw := range []string{"{", "nul", `{"a":1}}`, " ", `"a` + "\n" + `"`, "01", strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001)} {
		checkEncoding(t, &llm.Interaction{Usage: &llm.Usage{Raw: json.RawMessage(raw)}})
		checkEncoding(t, &llm.Interaction{ToolCalls: []llm.ToolCall{{Name: "x", Arguments: json.RawMessage(raw)}}})
		checkEncoding(t, &llm.Event{Ask: &llm.Ask{Arguments: json.RawMessage(raw)}})
	}
	checkEncoding(t, &llm.Interaction{Usage: &llm.Usage{Raw: json.RawMessage(strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000))}})
	checkEncoding(t, &llm.Interaction{StartedAt: time.Date(12345, 1, 1, 0, 0, 0, 0, time.UTC)})
}

func FuzzEncode(f *testing.F) {
	for n, s := range someTexts {
		f.Add(uint64(n), s, []byte(someRaws[n%len(someRaws)]))
	}
	f.Fuzz(func(t *testing.T, seed uint64, text string, raw []byte) {
		m := newMaker(t, seed, 0.7)
		m.texts, m.raws = append(m.texts, text, text, text), append(m.raws, raw)
		var e llm.Event
		m.fill(reflect.ValueOf(&e).Elem())
		checkEncoding(t, &e)
	})
}

// sample is the record of a small chat.
func sample() *llm.Interaction {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC)
	n := int64(20)
	cost := llm.Decimal(123_450_000_000)
	ms := llm.MillisOf(1234 * time.Microsecond)
	text := strings.Repeat("The quick brown fox jumps over the lazy dog. ", 20)
	return &llm.Interaction{
		ID: "019b7c8e-0000-7000-8000-000000000000", StartedAt: at, FirstTokenAt: &at, FinishedAt: &at,
		Provider: "openai", Profile: "team", API: llm.APIChatCompletions, Method: "POST", Path: "/v1/openai/team/chat/completions",
		Status: 200, State: llm.StateDone, Model: "gpt-4o-2024-08-06", RequestModel: "gpt-4o", ResponseID: "chatcmpl-0123456789",
		FinishReasons: []string{"stop"}, CostUSD: &cost, Text: text, Choices: []llm.Choice{{Text: text, FinishReason: "stop"}},
		Usage:  &llm.Usage{InputTokens: &n, OutputTokens: &n, Raw: json.RawMessage(`{"prompt_tokens":20,"completion_tokens":20,"total_tokens":40}`)},
		TTFTMS: ms, DurationMS: ms, OverheadMS: ms, RequestBytes: 1000, ResponseBytes: 1200,
		Timing: &llm.Timing{RequestReadMS: ms, GuardsMS: ms, ConnectedMS: ms, ReusedConnection: true, ResponseHeaderMS: ms, FirstByteMS: ms},
		Client: llm.Client{UserAgent: "OpenAI/Python 1.99.0"},
	}
}

// TestEncodeDoesNotAllocate: there is room for the sample.
func TestEncodeDoesNotAllocate(t *testing.T) {
	i, dst := sample(), make([]byte, 0, 8<<10)
	if n := testing.AllocsPerRun(100, func() { _, _ = i.AppendJSON(dst) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkEncode(b *testing.B) {
	i := sample()
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		dst := make([]byte, 0, 8<<10)
		for b.Loop() {
			if _, err := i.AppendJSON(dst); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("reflection", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			w := bytes.NewBuffer(make([]byte, 0, 8<<10))
			enc := json.NewEncoder(w)
			enc.SetEscapeHTML(false)
			if err := enc.Encode(i); err != nil {
				b.Fatal(err)
			}
		}
	})
}
