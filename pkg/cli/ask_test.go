package cli

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/ask"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

func heldCall() llm.Ask {
	return llm.Ask{
		Interaction: agentTurn().ID, Provider: "anthropic", Profile: "dev", Agent: "claude-code", Tool: "Bash",
		Arguments: json.RawMessage(`{"command": "rm -rf build"}`), Rule: "R7", Reason: "after untrusted input", Accept: "a path below build", Path: "command", Sink: "rm",
	}
}

func TestAskList(t *testing.T) {
	s := &memory{}
	dir := serve(t, s)
	if out, talk := must(t, dir, terminal{}, "ask", "list"); out != "" || talk != "No tool call waits for an answer.\n" {
		t.Errorf("%q, %q", out, talk)
	}
	if out, talk := must(t, dir, terminal{}, "ask", "list", "--json"); out != "" || talk != "" {
		t.Errorf("%q, %q", out, talk)
	}
	first := s.desk.Put(heldCall())
	long := llm.Ask{Interaction: "i", Provider: "openai", Profile: "ci", Tool: "sh 42s left", ArgumentsText: "a\nb" + strings.Repeat("x", maxShownArguments)}
	second := s.desk.Put(long)

	out, _ := must(t, dir, terminal{}, "ask", "list")
	want := `? ID1  Bash  LEFT
  {"command":"rm -rf build"}
  why       after untrusted input, rule R7
  argument  command
  accepted  a path below build
  from      anthropic/dev, claude-code, 3f9a21c0
? ID2  "sh 42s left"  LEFT
  "a\nb` + strings.Repeat("x", maxShownArguments-5) + `… and 6 B more
  from      openai/ci, i
`
	got := strings.NewReplacer(first.ID(), "ID1", second.ID(), "ID2").Replace(out)
	got = regexp.MustCompile(`  (1h00m|59m\d\ds) left`).ReplaceAllString(got, "  LEFT")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	narrow, _ := must(t, dir, terminal{width: 30}, "ask", "list")
	if !strings.Contains(narrow, "  why       after untrusted\n            input, rule R7\n") {
		t.Errorf("30 columns show\n%s", narrow)
	}

	out, _ = must(t, dir, terminal{}, "ask", "list", "--json")
	var asks []llm.Ask
	for line := range strings.Lines(out) {
		var q llm.Ask
		if err := json.Unmarshal([]byte(line), &q); err != nil {
			t.Fatal(err)
		}
		asks = append(asks, q)
	}
	if diff := cmp.Diff(s.desk.List(), asks, cmp.Comparer(sameJSON)); diff != "" {
		t.Error(diff)
	}
	for _, member := range []string{"id", "interaction", "tool", "arguments", "rule", "reason", "expires_at"} {
		if !strings.Contains(strings.Split(out, "\n")[0], `"`+member+`":`) {
			t.Errorf("%s is not in %s", member, out)
		}
	}
}

// TestAskAnswers types answers; ID stands for the id of the newest question.
func TestAskAnswers(t *testing.T) {
	s := &memory{}
	dir := serve(t, s)
	for _, c := range []struct {
		args []string
		want llm.AskAnswer
		talk string
	}{
		{[]string{"allow", "ID"}, llm.AskAnswer{Action: llm.ActionAllow}, `Allowed: ID Bash {"command":"rm -rf build"}`},
		{[]string{"deny", "ID"}, llm.AskAnswer{Action: llm.ActionBlock}, `Denied: ID Bash {"command":"rm -rf build"}`},
		{[]string{"allow", "last", "--always"}, llm.AskAnswer{Action: llm.ActionAllow, Always: true}, `Allowed, always for exactly this: ID Bash {"command":"rm -rf build"}`},
		{[]string{"deny", "--always"}, llm.AskAnswer{Action: llm.ActionBlock, Always: true}, `Denied, always for exactly this: ID Bash {"command":"rm -rf build"}`},
		{[]string{"allow", "--arguments", `{"command":"ls"}`}, llm.AskAnswer{Action: llm.ActionAllow, Arguments: json.RawMessage(`{"command":"ls"}`)}, `Allowed: ID Bash {"command":"ls"}`},
	} {
		tk := s.desk.Put(heldCall())
		args := []string{"ask"}
		for _, a := range c.args {
			if a == "ID" {
				a = tk.ID()
			}
			args = append(args, a)
		}
		out, talk := must(t, dir, terminal{}, args...)
		if want := strings.ReplaceAll(c.talk, "ID", tk.ID()) + "\n"; out != "" || talk != want {
			t.Errorf("%q prints %q and %q, want %q", c.args, out, talk, want)
		}
		if answer, by := tk.Answer(); !cmp.Equal(answer, c.want) || by != ask.ByTerminal {
			t.Errorf("%q: %+v by %s", c.args, answer, by)
		}
	}
}

func TestAskFailures(t *testing.T) {
	s := &memory{}
	dir := serve(t, s)
	fails := func(dir string, code int, says string, args ...string) {
		t.Helper()
		var out, talk printed
		args = append([]string{"ask"}, args...)
		if got := command(t, t.Context(), dir, terminal{}, &out, &talk, args...); got != code || out.String() != "" || !strings.Contains(talk.String(), says) {
			t.Errorf("%q: exit code %d, %q, want %d, %q", args, got, talk.String(), code, says)
		}
	}
	fails(dir, exitFailure, "no tool call waits", "allow")
	fails(dir, exitFailure, "no tool call waits", "deny", "last")
	over := s.desk.Put(heldCall())
	over.Cancel(ask.ByClientGone)
	fails(dir, exitFailure, "settled already: "+over.ID()+", block by client_gone", "allow", over.ID())
	open := s.desk.Put(heldCall())
	fails(dir, exitFailure, `no such question: "0000"; archestra ask list`, "allow", "0000")
	fails(dir, exitFailure, `no such question`, "allow", "../status")
	fails(dir, exitUsage, "--arguments: ", "allow", "--arguments", `{"a":1,"a":2}`)
	fails(dir, exitUsage, "--arguments: ", "allow", "--arguments", ``)
	fails(dir, exitUsage, "leave one of them out", "allow", "--always", "--arguments", `{"command":"ls"}`)
	fails(dir, exitUsage, "unknown flag", "deny", "--arguments", `{}`)
	fails(dir, exitUsage, "at most 1 arg", "allow", "a", "b")
	fails(dir, exitUsage, "not a command", "maybe")
	s.desk.Put(heldCall())
	fails(dir, exitUsage, "2 tool calls wait", "allow")
	if n := len(s.desk.List()); n != 2 {
		t.Errorf("%d questions are open, and %s was one", n, open.ID())
	}
	empty := t.TempDir()
	for _, args := range [][]string{{"list"}, {"allow"}, {"deny", "abcd"}} {
		fails(empty, exitFailure, "no archestra serves "+empty+", so no tool call waits there", args...)
	}
}

func TestAskCompletion(t *testing.T) {
	s := &memory{}
	dir := serve(t, s)
	for _, none := range []string{dir, t.TempDir()} {
		if out, _ := must(t, none, terminal{}, "__complete", "ask", "allow", ""); !strings.HasPrefix(out, ":") {
			t.Errorf("where nothing waits it offers %q", out)
		}
	}
	first, second := s.desk.Put(heldCall()), s.desk.Put(llm.Ask{Tool: "x\x1b[2J", Arguments: json.RawMessage(`{"a":"` + strings.Repeat("y", 2*maxOfferedArguments) + `"}`)})
	offered := func(args ...string) string {
		out, _ := must(t, dir, terminal{}, append([]string{"__complete", "ask"}, args...)...)
		out, _, _ = strings.Cut(out, ":4\n")
		return strings.SplitAfter(out, "\n:")[0]
	}
	want := fmt.Sprintf("%s\tBash {\"command\":\"rm -rf build\"}\n%s\t\"x\\u001b[2J\" {\"a\":\"%s… and 68 B more\nlast\tthe newest\n:", first.ID(), second.ID(), strings.Repeat("y", maxOfferedArguments-6))
	if got := offered("deny", ""); got != want {
		t.Errorf("offers %q, want %q", got, want)
	}
	if got := offered("allow", first.ID()); !strings.HasPrefix(got, first.ID()) || strings.Contains(got, second.ID()+"\t") {
		t.Errorf("offers %q", got)
	}
	if got := offered("allow", first.ID(), ""); !strings.HasPrefix(got, ":") {
		t.Errorf("a second id: offers %q", got)
	}
}

// TestTailTellsWhatIsHeld: to whoever comes late and whatever the filter, in
// both forms.
func TestTailTellsWhatIsHeld(t *testing.T) {
	s := &memory{}
	dir := serve(t, s)
	s.feed.Publish(llm.Event{Type: llm.EventStarted, Interaction: agentTurn()})
	tk := s.desk.Put(heldCall())
	people, _, stopPeople := tailing(t, dir, terminal{}, "--plain", "--filter", "provider:openai")
	asJSON, _, stopJSON := tailing(t, dir, terminal{}, "--json", "--filter", "provider:openai")
	for _, p := range []*printed{people, asJSON} {
		until(t, "what is held", lines(p, 1))
	}
	must(t, dir, terminal{}, "ask", "allow", tk.ID())
	stranger := heldCall()
	stranger.Interaction = "not-known-here"
	other := s.desk.Put(stranger)
	other.Cancel(ask.ByClientGone)
	for _, p := range []*printed{people, asJSON} {
		until(t, "the last verdict", lines(p, 4))
	}
	stopPeople()
	stopJSON()

	got := regexp.MustCompile(`\d\d:\d\d:\d\d`).ReplaceAllString(people.String(), "TIME")
	got = strings.NewReplacer(tk.ID(), "ID1", other.ID(), "ID2").Replace(got)
	want := `TIME ? held        3f9a21c0 dev anthropic claude-opus-4-6 ask ID1 until TIME R7 Bash {"command":"rm -rf build"} (after untrusted input)
TIME ✓ verdict     3f9a21c0 dev anthropic claude-opus-4-6 ask ID1 allow by terminal R7 Bash {"command":"rm -rf build"}
TIME ? held        own-here dev anthropic ask ID2 until TIME R7 Bash {"command":"rm -rf build"} (after untrusted input)
TIME ✗ verdict     own-here dev anthropic ask ID2 block by client_gone R7 Bash {"command":"rm -rf build"}
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var told []string
	for line := range strings.Lines(asJSON.String()) {
		var e llm.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Ask == nil {
			t.Fatalf("%v in %s", err, line)
		}
		told = append(told, strings.TrimSpace(fmt.Sprint(e.Type, " ", e.Ask.Tool, " ", oneLine(e.Ask.Arguments), " ", e.Ask.Answer, " ", e.Ask.By)))
	}
	if diff := cmp.Diff([]string{`held Bash {"command":"rm -rf build"}`, `verdict Bash {"command":"rm -rf build"} allow terminal`,
		`held Bash {"command":"rm -rf build"}`, `verdict Bash {"command":"rm -rf build"} block client_gone`}, told); diff != "" {
		t.Error(diff)
	}
}
