package filter

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

func TestParse(t *testing.T) {
	name := func(w string, parts ...string) Expr { return Match{w, parts} }
	tests := []struct {
		in   string
		want Expr
		text string // canonical, where it differs from in
	}{
		{"", And{}, ""},
		{"  ", And{}, ""},
		{"hello", Text("hello"), ""},
		{`"free text"`, Text("free text"), ""},
		{`"say \"hi\" \\ \n"`, Text(`say "hi" \ \n`), `"say \"hi\" \\ \\n"`},
		{"don't", Text("don't"), ""},
		{"12:30", Text("12:30"), ""},
		{"https://x.y/z", Text("https://x.y/z"), ""},
		{`"provider:x"`, Text("provider:x"), ""},
		{"f(x)", Text("f(x)"), `"f(x)"`},
		{"provider:anthropic", name("provider", "anthropic"), ""},
		{"PROVIDER:Anthropic", name("provider", "Anthropic"), "provider:Anthropic"},
		{"model:*opus*", name("model", "", "opus", ""), ""},
		{"model:a**b", name("model", "a", "b"), "model:a*b"},
		{`model:"**b"`, name("model", "", "b"), "model:*b"},
		{"model:llama3:8b", name("model", "llama3:8b"), ""},
		{`tool:"my *"`, name("tool", "my ", ""), ""},
		{`tool:"a\*b"`, name("tool", "a*b"), ""},
		{`agent:""`, name("agent", ""), ""},
		{`tool:"id:x"`, name("tool", "id:x"), ""},
		{"status:>=400", Compare{"status", GreaterEqual, 400}, ""},
		{"status:==200", Compare{"status", Equal, 200}, "status:200"},
		{"status:!=200", Not{Compare{"status", Equal, 200}}, "-status:200"},
		{"status:5xx", And{Compare{"status", GreaterEqual, 500}, Compare{"status", Less, 600}}, "status:>=500 status:<600"},
		{"cost:>$0.10", Compare{"cost", Greater, 100_000_000_000}, "cost:>0.1"},
		{"ttft:>2s", Compare{"ttft", Greater, 2e9}, ""},
		{"duration:<1m30s", Compare{"duration", Less, 90e9}, ""},
		{"duration:>2h", Compare{"duration", Greater, 7200e9}, ""},
		{"tokens:>10k", Compare{"tokens", Greater, 10_000}, "tokens:>10000"},
		{"in:<=2M out:0", And{Compare{"in", LessEqual, 2_000_000}, Compare{"out", Equal, 0}}, "in:<=2000000 out:0"},
		{"stream:yes", Compare{"stream", Equal, 1}, "stream:true"},
		{"since:1h", When{Word: "since", Ago: time.Hour}, ""},
		{"since:7d", When{Word: "since", Ago: 7 * 24 * time.Hour}, ""},
		{"until:2026-01-31T10:00:00Z", When{Word: "until", At: time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)}, ""},
		{"a b | c", Or{And{Text("a"), Text("b")}, Text("c")}, ""},
		{"a|b", Or{Text("a"), Text("b")}, "a | b"},
		{"a || b", Or{Text("a"), Text("b")}, "a | b"},
		{"(a | b) c", And{Or{Text("a"), Text("b")}, Text("c")}, ""},
		{"((a) (b c))", And{Text("a"), Text("b"), Text("c")}, "a b c"},
		{"a | (b | c)", Or{Text("a"), Text("b"), Text("c")}, "a | b | c"},
		{"-a", Not{Text("a")}, ""},
		{"--a", Text("a"), "a"},
		{`"-a"`, Text("-a"), ""},
		{"-(a b)", Not{And{Text("a"), Text("b")}}, ""},
		{"-state:done", Not{name("state", "done")}, ""},
		{"provider:openai|anthropic", Or{name("provider", "openai"), name("provider", "anthropic")}, ""},
		{"-provider:openai|anthropic", Not{Or{name("provider", "openai"), name("provider", "anthropic")}}, ""},
		{"provider:openai|anthropic x", And{Or{name("provider", "openai"), name("provider", "anthropic")}, Text("x")}, ""},
		{"provider:openai|model:x", Or{name("provider", "openai"), name("model", "x")}, "provider:openai | model:x"},
		{"provider:openai |x", Or{name("provider", "openai"), Text("x")}, "provider:openai | x"},
		{"status:>=500|429", Or{Compare{"status", GreaterEqual, 500}, Compare{"status", Equal, 429}}, ""},
	}
	for _, tt := range tests {
		got, err := Parse(tt.in)
		if err != nil {
			t.Errorf("Parse(%q): %v", tt.in, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("Parse(%q) (-want +got):\n%s", tt.in, diff)
		}
		want := tt.text
		if want == "" {
			want = strings.TrimSpace(tt.in)
		}
		if got.String() != want {
			t.Errorf("Parse(%q).String() = %q, want %q", tt.in, got.String(), want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct {
		in       string
		pos, end int
		msg      string // a part of it
	}{
		{"a modle:x", 2, 7, "did you mean model?"},
		{"prov:x", 0, 4, "did you mean provider?"},
		{"foo:x", 0, 3, "the words are provider, profile, model, api, status"},
		{"provider:", 9, 9, "provider needs a value, such as provider:anthropic"},
		{"provider: x", 9, 9, "needs a value"},
		{"state:finished", 6, 14, "one of streaming, held, done"},
		{"verdict:blok", 8, 12, "one of allow, ask, block"},
		{"status:many", 7, 11, "not a whole number"},
		{"status:-1", 7, 9, "not a whole number"},
		{"cost:>cheap", 5, 11, "an amount of dollars"},
		{"ttft:>2", 5, 7, "a duration with its unit, such as ttft:>2s"},
		{"since:soon", 6, 10, "is not a time"},
		{"since:>1h", 6, 7, "cannot be compared"},
		{"provider:>x", 9, 10, "cannot be compared"},
		{`a "b`, 2, 4, "quotes are not closed"},
		{`"a"b`, 3, 4, "a space is missing"},
		{"(a", 0, 1, "not closed"},
		{"a )", 2, 3, "closes nothing"},
		{"()", 0, 2, "hold nothing"},
		{"a |", 2, 3, "on either side"},
		{"| a", 0, 1, "on either side"},
		{"a | | b", 4, 5, "on either side"},
		{"a - b", 2, 3, "negates"},
		{`a "->"`, 2, 6, "needs a letter or a digit"},
		{"model:a*b*c*d*e*f*g*h*i", 6, 23, "too many *"},
		{strings.Repeat("(", 200) + "a", maxDepth, maxDepth + 1, "too many parentheses"},
	}
	for _, tt := range tests {
		e, err := Parse(tt.in)
		var fe *Error
		if !errors.As(err, &fe) {
			t.Errorf("Parse(%q) = %v, %v, want an *Error", tt.in, e, err)
			continue
		}
		if !strings.Contains(fe.Msg, tt.msg) {
			t.Errorf("Parse(%q): %q lacks %q", tt.in, fe.Msg, tt.msg)
		}
		if fe.Pos != tt.pos || fe.End != tt.end {
			t.Errorf("Parse(%q) faults [%d,%d), want [%d,%d)", tt.in, fe.Pos, fe.End, tt.pos, tt.end)
		}
	}
}

func ptr[T any](v T) *T { return &v }

func sample() *llm.Interaction {
	return &llm.Interaction{
		ID: "0199aa", StartedAt: time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC),
		Provider: "anthropic", Profile: "ci", API: llm.APIMessages, Method: "POST",
		Path: "/v1/anthropic/ci/v1/messages", Status: 200, State: llm.StateDone, Stream: true,
		Model: "claude-opus-4-5", RequestModel: "opus",
		Usage:   &llm.Usage{InputTokens: ptr(int64(1000)), OutputTokens: ptr(int64(50))},
		CostUSD: ptr(llm.Decimal(llm.DecimalScale / 4)),
		Text:    "The Largest city is Tōkyō.",
		ToolCalls: []llm.ToolCall{
			{Name: "Bash", Arguments: json.RawMessage(`{"command":"rm -rf\ttarget"}`), Verdict: llm.ActionBlock},
			{Name: "Read", Verdict: llm.ActionAllow},
		},
		Findings:   []llm.Finding{{Kind: "secret", Detector: "aws-key", Action: "ask"}},
		Error:      &llm.Error{Source: llm.SourceUpstream, Type: "overloaded_error", Message: "Try later"},
		TTFTMS:     llm.MillisOf(1500 * time.Millisecond),
		DurationMS: llm.MillisOf(3 * time.Second),
		Client:     llm.Client{Agent: "claude-code", Session: "9f2c"},
	}
}

func TestMatch(t *testing.T) {
	bare := &llm.Interaction{ID: "02", Provider: "openai", State: llm.StateStreaming}
	tests := []struct {
		in         string
		full, bare bool
	}{
		{"", true, true},
		{"provider:Anthropic", true, false},
		{"provider:anth", false, false},
		{"provider:anth*", true, false},
		{"profile:ci|prod", true, false},
		{"model:*OPUS*", true, false},
		{"model:opus", true, false}, // as asked for
		{"model:*", true, false},
		{`model:""`, false, true},
		{"api:mess*", true, false},
		{"status:2xx", true, false},
		{"status:>=400", false, false},
		{"status:<400", true, false},
		{"-status:>=400", true, true},
		{"state:done", true, false},
		{"stream:true", true, false},
		{"stream:false", false, true},
		{"verdict:block", true, false},
		{"verdict:allow verdict:ask", true, false},
		{`verdict:""`, false, true},
		{"tool:bash", true, false},
		{"tool:Write", false, false},
		{"tool:*", true, false},
		{"-tool:*", false, true},
		{"finding:secret", true, false},
		{"finding:aws*", true, false},
		{"error:overloaded", true, false},
		{"error:*", true, false},
		{"error:later", true, false},
		{"-error:*", false, true},
		{"agent:claude-code", true, false},
		{"session:9f2", true, false},
		{"session:f2", false, false},
		{"id:0199", true, false},
		{"method:post", true, false},
		{"path:/messages", true, false},
		{"cost:>0.10", true, false},
		{"cost:0.25", true, false},
		{"cost:<100", true, false}, // unknown is not zero
		{"tokens:1050", true, false},
		{"in:>=1k", true, false},
		{"out:<50", false, false},
		{"ttft:>1s", true, false},
		{"duration:<=3s", true, false},
		{"since:2026-11-25T10:00:00Z", true, false},
		{"until:2026-11-25T10:00:00Z", false, true},
		{"largest", true, false},
		{"larg", true, false},
		{"argest", false, false},
		{`"largest city"`, true, false},
		{`"city largest"`, false, false},
		{"TŌKYŌ", true, false},
		{"target", true, false},
		{`"rm -rf target"`, true, false},
		{"provider:openai | tool:Bash -tool:Read", false, true},
	}
	for _, tt := range tests {
		e, err := Parse(tt.in)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Match(sample(), nil); got != tt.full {
			t.Errorf("%s picks the full interaction: %v, want %v", tt.in, got, tt.full)
		}
		if got := e.Match(bare, nil); got != tt.bare {
			t.Errorf("%s picks the bare interaction: %v, want %v", tt.in, got, tt.bare)
		}
	}
	asked := ""
	text := func(p string) bool { asked = p; return true }
	if !Text("zebra").Match(sample(), text) || asked != "zebra" {
		t.Errorf("text was asked for %q", asked)
	}
}

func TestSinceCountsFromNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := Parse("since:1h")
		if err != nil {
			t.Fatal(err)
		}
		i := &llm.Interaction{StartedAt: time.Now()}
		if !e.Match(i, nil) {
			t.Error("what started now is not picked")
		}
		time.Sleep(2 * time.Hour)
		if e.Match(i, nil) {
			t.Error("what started two hours ago is picked")
		}
	})
}

func TestContainsText(t *testing.T) {
	tests := []struct {
		text, phrase string
		want         bool
	}{
		{"Hello, world", "hello world", true},
		{"Hello, world", "hello-wor", true},
		{"Hello, world", "world hello", false},
		{"a a b", "a b", true},
		{"日本語を話す", "日本", true},
		{"日本語を話す", "本語", true},
		{"x -> y", "->", false},
		{"x", "->", false},
		{"", "a", false},
		{"straße", "STRASSE", false},
		{"Émile", "émile", true},
	}
	for _, tt := range tests {
		if got := ContainsText(tt.text, tt.phrase); got != tt.want {
			t.Errorf("ContainsText(%q, %q) = %v", tt.text, tt.phrase, got)
		}
	}
}

func TestComplete(t *testing.T) {
	texts := func(list []Completion) (s []string) {
		for _, c := range list {
			s = append(s, c.Text)
		}
		return s
	}
	tests := []struct {
		in    string
		start int
		want  []string
	}{
		{"pro", 0, []string{"provider:", "profile:"}},
		{"a -sta", 3, []string{"status:", "state:"}},
		{"(verdict:", 1, []string{"verdict:allow", "verdict:ask", "verdict:block"}},
		{"state:d", 0, []string{"state:done"}},
		{"provider:", 0, nil},
		{`"sta`, 4, nil},
		{"xyz", 0, nil},
	}
	for _, tt := range tests {
		start, list := Complete(tt.in)
		if diff := cmp.Diff(tt.want, texts(list)); diff != "" || start != tt.start {
			t.Errorf("Complete(%q) starts at %d (-want +got):\n%s", tt.in, start, diff)
		}
	}
}

func TestWordsExplainThemselves(t *testing.T) {
	for _, w := range Words() {
		e, err := Parse(w.Name + ":" + w.Example)
		if err != nil || w.Help == "" {
			t.Errorf("%s: help %q, its example: %v, %v", w.Name, w.Help, e, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "a b | c", `provider:a|"b c" -tool:*`, "status:5xx|429", "since:today",
		"cost:>0.1 -(x | y z)", `agent:"" "q\"\*"`, "duration:1.5ms until:2026-01-02", "((a|b)c)", "a |\x00", "\xff:x -\xff"} {
		f.Add(s)
	}
	i := sample()
	f.Fuzz(func(t *testing.T, s string) {
		e, err := Parse(s)
		if err != nil {
			var fe *Error
			if !errors.As(err, &fe) || fe.Pos < 0 || fe.Pos > fe.End || fe.End > len(s) {
				t.Fatalf("Parse(%q): %#v", s, err)
			}
			return
		}
		again, err := Parse(e.String())
		if err != nil {
			t.Fatalf("Parse(%q).String() = %q: %v", s, e.String(), err)
		}
		if diff := cmp.Diff(e.String(), again.String()); diff != "" {
			t.Fatalf("Parse(%q) is not stable:\n%s", s, diff)
		}
		if e.Match(i, nil) != again.Match(i, nil) {
			t.Fatalf("Parse(%q) and Parse(%q) pick differently", s, e.String())
		}
	})
}
