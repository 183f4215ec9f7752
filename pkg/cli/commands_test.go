package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

func TestLogs(t *testing.T) {
	dir := serve(t, &memory{interactions: []*llm.Interaction{agentTurn(), refused()}})
	out, _ := must(t, dir, terminal{}, "logs")
	// The time depends on the day of the test.
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	want := [][]string{
		{"ID", "TIME", "PROFILE", "PROVIDER", "MODEL", "STATE", "IN→OUT", "TTFT", "COST", "VERDICT"},
		{"3f9a21c0", "dev", "anthropic", "claude-opus-4-6", "✓", "done", "41k→612", "900ms", "$0.21", "allow", "Bash"},
		{"aaaa0001", "ci", "openai", "gpt-5.5", "✗", "refused", "403", "~", "–", "~", "block", "Bash", "+1"},
	}
	for n, line := range lines {
		fields := strings.Fields(line)
		if n > 0 { // without the time, of one to three words
			from := 1
			for fields[from] != want[n][1] {
				from++
			}
			fields = append(fields[:1], fields[from:]...)
		}
		if diff := cmp.Diff(want[n], fields); diff != "" {
			t.Errorf("line %d: %s", n, diff)
		}
	}

	out, _ = must(t, dir, terminal{}, "logs", "--limit", "1", "--json", "--filter", "profile:dev")
	var got llm.Interaction
	if err := json.Unmarshal([]byte(out), &got); err != nil || strings.Count(out, "\n") != 1 {
		t.Fatalf("%v in %s", err, out)
	}
	if diff := cmp.Diff(agentTurn(), &got, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }), cmp.Comparer(sameJSON)); diff != "" {
		t.Error(diff)
	}
	if out, _ = must(t, dir, terminal{}, "logs", "--since", "1h"); out != "" {
		t.Errorf("of the last hour: %s", out)
	}
}

func sameJSON(a, b json.RawMessage) bool { return oneLine(a) == oneLine(b) }

func TestShow(t *testing.T) {
	s := &memory{interactions: []*llm.Interaction{agentTurn()}, conversation: conversation()}
	dir := serve(t, s)
	out, _ := must(t, dir, terminal{}, "show", "last")
	want := `✓ done  anthropic/claude-opus-4-6  profile dev
2026-03-04 05:06:07, took 12s, first token after 900ms, archestra 0ms
tokens 41k→612, 38k cached  cost $0.21
POST /v1/anthropic/dev/v1/messages → 200  205 kB up, 5.1 kB down
from claude-code, claude-cli/2.0, session 9f2c
found aws_key in request: redact
note: something odd
0198c2f4-1a2b-7c3d-8e4f-00003f9a21c0

tools 2
Bash, Read

system
You are careful.
Very.

user
fix the flaky test
[image, image/png, 120 kB]

assistant
│ Hm.
→ Read {"path":"a.go"}  (call_0)

tool
← Read  (call_0)
  package a
  
  ` + "```go\n  ```" + `

answer
│ Look first.
Running the tests now.
→ Bash {"command":"go test ./..."}  (call_1)
  allow shell-safe
finished: tool_use
`
	if diff := cmp.Diff(want, out); diff != "" {
		t.Error(diff)
	}

	s.conversation = nil
	s.interactions = []*llm.Interaction{refused()}
	out, talk := must(t, dir, terminal{}, "show", "last")
	if !strings.Contains(out, "✗ refused 403  openai/gpt-5.5") || !strings.Contains(out, "  block R7 after untrusted context\n") ||
		!strings.Contains(out, "error from archestra: blocked, not this") || !strings.Contains(talk, "The conversation cannot be shown") {
		t.Errorf("%s\n%s", out, talk)
	}
}

func TestShowRaw(t *testing.T) {
	const body = "{\"a\":\"\x1b[2J\x00\xff\"}\n"
	s := &memory{interactions: []*llm.Interaction{agentTurn()}, bodies: map[control.Side]string{control.SideResponse: body}}
	dir := serve(t, s)
	if out, _ := must(t, dir, terminal{}, "show", "last", "--raw", "response"); out != body || s.decoded {
		t.Errorf("a pipe gets %q, decoded %v", out, s.decoded)
	}
	if out, _ := must(t, dir, terminal{width: 80}, "show", "last", "--raw", "response"); out != "{\"a\":\"␛[2J␀⟨0xFF⟩\"}\n" || !s.decoded {
		t.Errorf("a terminal gets %q, decoded %v", out, s.decoded)
	}
	var out, talk printed
	if code := command(t, t.Context(), dir, terminal{}, &out, &talk, "show", "last", "--raw", "request"); code != 1 || !strings.Contains(talk.String(), "not kept") {
		t.Errorf("a body that is gone: %d, %s", code, talk.String())
	}
}

func TestProfilesAndStats(t *testing.T) {
	totals := control.Totals{Requests: 412, Errors: 3, InputTokens: 1_234_567, OutputTokens: 41_000, CostUSD: ptr(llm.Decimal(3_180_000_000_000)), Unpriced: 2}
	dir := serve(t, &memory{
		profiles: []control.Profile{{ID: "dev", FirstUsed: start, LastUsed: start, Totals: totals}, {ID: "ci"}},
		stats:    []control.Stat{{Provider: "anthropic", Totals: totals, TTFTP50: llm.MillisOf(time.Second), TTFTP95: llm.MillisOf(3 * time.Second)}, {}},
	})
	out, _ := must(t, dir, terminal{}, "stats", "--by", "provider,model")
	want := `PROVIDER   MODEL  REQUESTS  ERRORS  BLOCKED    IN→OUT    COST  TTFT P50   P95
anthropic  –           412       3        0  1.2M→41k  $3.18+      1.0s  3.0s
–          –             0       0        0       0→0       ~         –     –
`
	if diff := cmp.Diff(want, out); diff != "" {
		t.Error(diff)
	}
	out, _ = must(t, dir, terminal{}, "stats", "--json")
	if diff := cmp.Diff(`{"provider":"anthropic","requests":412,"errors":3,"blocked":0,"input_tokens":1234567,"output_tokens":41000,"cost_usd":3.18,"unpriced":2,"ttft_p50_ms":1000,"ttft_p95_ms":3000}
{"requests":0,"errors":0,"blocked":0,"input_tokens":0,"output_tokens":0}
`, out); diff != "" {
		t.Error(diff)
	}
	out, _ = must(t, dir, terminal{}, "profiles", "list")
	if lines := strings.Split(out, "\n"); len(lines) != 4 || !strings.HasPrefix(lines[1], "dev ") || !strings.HasSuffix(lines[1], "  412       3        0  1.2M→41k  $3.18+") {
		t.Errorf("profiles:\n%s", out)
	}
	out, _ = must(t, dir, terminal{}, "profiles", "list", "--json")
	if !strings.HasPrefix(out, `{"id":"dev","first_used":"2026-03-04T05:06:07`) || strings.Count(out, "\n") != 2 {
		t.Errorf("profiles: %s", out)
	}
}

func TestProvidersOfARunningServer(t *testing.T) {
	dir := serve(t, &memory{providers: []control.Provider{
		{Name: "ollama", State: "ready", BaseURL: "http://localhost:9321/v1/ollama/default", Upstream: "http://localhost:11434", APIs: []llm.API{llm.APIOllamaChat}, Models: []string{"a", "b"}},
		{Name: "vllm", State: "off", Why: "Set it.", APIs: []llm.API{}},
	}})
	out, talk := must(t, dir, terminal{}, "providers", "list")
	want := `PROVIDER  STATE  BASE URL FOR CLIENTS                     UPSTREAM                KEY FROM    APIS         NOTE
ollama    ready  http://localhost:9321/v1/ollama/default  http://localhost:11434  the client  ollama_chat  models: a, b
`
	if diff := cmp.Diff(want, out); diff != "" {
		t.Error(diff)
	}
	if narrow, _ := must(t, dir, terminal{width: 30}, "providers", "list"); !strings.Contains(narrow, "http://localhost:9321/v1/ollama/default\n") {
		t.Errorf("30 columns cut the base URL:\n%s", narrow)
	}
	if talk != "1 provider is off; --all shows them.\n" {
		t.Errorf("told %q", talk)
	}
	if out, _ = must(t, dir, terminal{}, "providers", "list", "--all", "--json"); strings.Count(out, "\n") != 2 {
		t.Errorf("all: %s", out)
	}
}

func TestExportToAFile(t *testing.T) {
	dir := serve(t, &memory{interactions: []*llm.Interaction{agentTurn(), refused()}})
	path := filepath.Join(t.TempDir(), "out.jsonl")
	out, talk := must(t, dir, terminal{}, "export", "--format", "jsonl", "-o", path)
	if out != "" || !strings.HasPrefix(talk, "Wrote 2 interactions to ") {
		t.Errorf("printed %q and %q", out, talk)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	logged, _ := must(t, dir, terminal{}, "logs", "--json")
	if diff := cmp.Diff(logged, string(b)); diff != "" {
		t.Error(diff)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 && os.PathSeparator == '/' {
		t.Errorf("the file has mode %v", info.Mode())
	}
}

func TestFailedExportLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "out")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := newOutput(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("half"); err != nil {
		t.Fatal(err)
	}
	if err := f.finish(os.ErrDeadlineExceeded); err == nil {
		t.Error("the failure is gone")
	}
	b, err := os.ReadFile(path)
	if err != nil || string(b) != "old" {
		t.Errorf("the old file holds %q, %v", b, err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files are left, %v", len(entries), err)
	}
}

func TestExportHAR(t *testing.T) {
	turn := agentTurn()
	turn.Path += "?beta=true&x=1"
	s := &memory{
		interactions: []*llm.Interaction{turn, refused()},
		bodies:       map[control.Side]string{control.SideRequest: `{"model":"m"}`, control.SideResponse: "\xff\x00"},
		exchange: &control.Exchange{
			Request:  control.Message{Header: headers("Content-Type", "application/json", "B", "2", "A", "1")},
			Response: control.Message{Header: headers("Content-Type", "text/event-stream"), Encoding: "gzip"},
		},
	}
	out, _ := must(t, serve(t, s), terminal{}, "export", "--format", "har")
	var har struct {
		Log struct {
			Version string
			Creator struct{ Name, Version string }
			Entries []map[string]json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(out), &har); err != nil {
		t.Fatal(err)
	}
	if har.Log.Version != "1.2" || har.Log.Creator.Name != "archestra" || len(har.Log.Entries) != 2 {
		t.Fatalf("%+v", har.Log)
	}
	entry := har.Log.Entries[0]
	for member, want := range map[string]string{
		"time":    `12000`,
		"timings": `{"blocked":-1,"dns":-1,"connect":-1,"send":2,"wait":798,"receive":11200,"ssl":-1}`,
		"cache":   `{}`,
		"request": `{"method":"POST","url":"http://localhost:9321/v1/anthropic/dev/v1/messages?beta=true\u0026x=1","httpVersion":"HTTP/1.1","cookies":[],` +
			`"headers":[{"name":"A","value":"1"},{"name":"B","value":"2"},{"name":"Content-Type","value":"application/json"}],` +
			`"queryString":[{"name":"beta","value":"true"},{"name":"x","value":"1"}],` +
			`"postData":{"mimeType":"application/json","params":[],"text":"{\"model\":\"m\"}"},"headersSize":-1,"bodySize":204800}`,
		"response": `{"status":200,"statusText":"OK","httpVersion":"HTTP/1.1","cookies":[],"headers":[{"name":"Content-Type","value":"text/event-stream"}],` +
			`"content":{"size":2,"mimeType":"text/event-stream","text":"/wA=","encoding":"base64"},"redirectURL":"","headersSize":-1,"bodySize":5120}`,
	} {
		if diff := cmp.Diff(want, string(entry[member])); diff != "" {
			t.Errorf("%s: %s", member, diff)
		}
	}
	if !s.decoded {
		t.Error("the bodies are still compressed")
	}
}

func TestExportMarkdown(t *testing.T) {
	s := &memory{interactions: []*llm.Interaction{agentTurn()}, conversation: conversation()}
	out, _ := must(t, serve(t, s), terminal{}, "export", "--format", "md")
	for _, want := range []string{
		"## 2026-03-0", "anthropic/claude-opus-4-6 done\n", "- profile: dev\n", "**System**\n\n```\nYou are careful.\nVery.\n```\n",
		"**User** image, image/png, 120 kB\n", "**Assistant, calls Read**\n\n```\n{\n  \"path\": \"a.go\"\n}\n```\n",
		"**Result Read  (call\\_0)**\n\n````\npackage a\n\n```go\n```\n````\n", "**Answer**\n\n```\nRunning the tests now.\n```\n", "**Answer, calls Bash: allow**\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
}

func TestClosedPipeIsNoFailure(t *testing.T) {
	dir := serve(t, &memory{interactions: []*llm.Interaction{agentTurn()}})
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	var talk printed
	if code := command(t, t.Context(), dir, terminal{}, w, &talk, "logs"); code != 0 || talk.String() != "" {
		t.Errorf("exit code %d, told %q", code, talk.String())
	}
}
