package cli

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// hostileStrings are strings that a terminal would obey, or that hide.
func hostileStrings(t *testing.T) []string {
	t.Helper()
	all := []string{"\x1b]52;c;QQ==\a", "\x1b[2J\x1b[1;1H", "a\rb", "\u009b31m", "\u202egnp.exe", "\U000e0041\U000e0042", "\u200b", "x\x7f\b\b", "\xff\xfe", "a\u2028b\u0085c"}
	f, err := os.Open("../../../shared/security/terminal.jsonl")
	if err != nil {
		return all
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var c struct{ Text string }
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		all = append(all, c.Text)
	}
	if err := in.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// ours are the sequences that we print ourselves.
var ours = regexp.MustCompile(`\x1b\[(0|1|2|31|33|34)m`)

// TestNothingFromOutsideIsObeyed prints interactions that are hostile in every
// member by every command, and looks for what a terminal would obey.
func TestNothingFromOutsideIsObeyed(t *testing.T) {
	bad := strings.Join(hostileStrings(t), " ")
	quoted, err := json.Marshal(bad)
	if err != nil {
		t.Fatal(err)
	}
	i := agentTurn()
	for _, s := range []*string{&i.Provider, &i.Profile, &i.Method, &i.Path, &i.Model, &i.RequestModel, &i.ResponseID, &i.Text, &i.Reasoning, &i.Refusal,
		&i.Client.UserAgent, &i.Client.Agent, &i.Client.Session, &i.Choices[0].Text, &i.ToolCalls[0].ID, &i.ToolCalls[0].Name, &i.ToolCalls[0].Rule,
		&i.ToolCalls[0].Reason, &i.Findings[0].Kind, &i.Findings[0].Where, &i.Findings[0].Action, &i.FinishReasons[0], &i.Notes[0]} {
		*s = bad
	}
	i.ToolCalls[0].Arguments, i.Usage.Raw = quoted, quoted
	i.ToolCalls = append(i.ToolCalls, llm.ToolCall{Name: bad, ArgumentsText: bad})
	i.Choices = append(i.Choices, llm.Choice{Index: 1, Text: bad})
	i.State, i.API = llm.State(bad), llm.API(bad)
	i.Error = &llm.Error{Source: llm.ErrorSource(bad), Type: bad, Code: bad, Message: bad}
	c := &llm.Conversation{PreviousID: bad, Tools: []llm.Tool{{Name: bad}}}
	for _, kind := range []llm.PartKind{llm.PartText, llm.PartReasoning, llm.PartToolCall, llm.PartToolResult, llm.PartImage, llm.PartOther} {
		c.Messages = append(c.Messages, llm.Message{Role: llm.Role(bad), Parts: []llm.Part{{Kind: kind, Text: bad, Name: bad, CallID: bad, Media: bad, Arguments: quoted}}})
	}
	c.System = c.Messages[0].Parts
	s := &memory{
		interactions: []*llm.Interaction{i}, conversation: c,
		exchange:  &control.Exchange{Request: control.Message{Header: headers("X-Bad", bad)}},
		bodies:    map[control.Side]string{control.SideRequest: bad, control.SideResponse: bad},
		profiles:  []control.Profile{{ID: bad}},
		stats:     []control.Stat{{Provider: bad, Profile: bad, Model: bad, Day: bad}},
		providers: []control.Provider{{Name: bad, State: bad, Why: bad, BaseURL: bad, Upstream: bad, KeySource: bad, APIs: []llm.API{llm.API(bad)}, Models: []string{bad}}},
	}
	dir := serve(t, s)
	q := llm.Ask{Interaction: bad, Provider: bad, Profile: bad, Agent: bad, Tool: bad, Arguments: quoted, Rule: bad, Reason: bad, Accept: bad, Path: bad, Sink: bad}
	s.desk.Put(q)
	q.Arguments, q.ArgumentsText = nil, bad
	s.desk.Put(q)
	check := func(what, out string) {
		t.Helper()
		if out == "" {
			t.Errorf("%s prints nothing", what)
		}
		for n, line := range strings.Split(out, "\n") {
			for _, r := range ours.ReplaceAllString(line, "") {
				if r != '\t' && (!unicode.IsPrint(r) || unicode.Is(unicode.Cf, r)) {
					t.Fatalf("%s, line %d prints %U, in %.300q", what, n+1, r, line)
				}
			}
		}
	}
	for _, args := range [][]string{
		{"logs"}, {"logs", "--json"}, {"show", "last"}, {"show", "last", "--json"}, {"show", "last", "--raw", "request"},
		{"stats", "--by", "provider,profile,model,day"}, {"stats", "--json"}, {"profiles", "list"}, {"profiles", "list", "--json"},
		{"providers", "list"}, {"providers", "list", "--json"},
		{"ask", "list"}, {"ask", "list", "--json"},
		{"policy", "explain", "last"}, {"policy", "explain", "last", "--json"}, {"policy", "test"}, {"policy", "test", "--json"},
		{"export", "--format", "jsonl"}, {"export", "--format", "har"}, {"export", "--format", "md"},
	} {
		for _, term := range []terminal{{width: 100, colour: true}, {width: 30}} {
			out, talk := must(t, dir, term, args...)
			check(strings.Join(args, " "), out)
			if talk != "" {
				check(strings.Join(args, " ")+", talking,", talk)
			}
		}
	}
	for _, args := range [][]string{{"--plain"}, {"--json"}} {
		out, _, stop := tailing(t, dir, terminal{width: 100, colour: true}, args...)
		until(t, "attaching", s.feed.Watched)
		for _, kind := range []llm.EventType{llm.EventStarted, llm.EventFirstToken, llm.EventToolCall, llm.EventVerdict, llm.EventHeld, llm.EventFinished} {
			s.feed.Publish(llm.Event{Type: kind, Interaction: i, ToolCall: &i.ToolCalls[1], Text: bad, Reasoning: bad})
		}
		s.desk.Put(q).Cancel(bad)
		until(t, "the last event", lines(out, 2+6+2))
		stop()
		check("tail "+args[0], out.String())
		until(t, "leaving", func() bool { return !s.feed.Watched() })
	}

	for _, args := range [][]string{{"ask", "allow", "last"}, {"__complete", "ask", "deny", ""}, {"ask", "deny", "--always"}} {
		out, talk := must(t, dir, terminal{width: 30}, args...)
		check(strings.Join(args, " "), out+talk)
	}

	// What the caller typed comes back in errors.
	for _, args := range [][]string{{bad}, {"show", bad}, {"logs", "--filter", bad + ":("}, {"logs", "--since", bad}, {"stats", "--by", bad},
		{"export", "--format", "md", "-o", filepath.Join(bad, "x")}, {"ask", bad}, {"ask", "allow", bad}, {"ask", "allow", "--arguments", bad}} {
		var out, talk printed
		if code := command(t, t.Context(), dir, terminal{}, &out, &talk, args...); code == 0 {
			t.Errorf("%.20q is taken", args)
		}
		check("an error", talk.String())
	}
}
