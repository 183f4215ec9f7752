package guard

import (
	"net/http"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy"
	"github.com/archestra-ai/archestra-cli/pkg/secret/payload"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openaichat"
)

const (
	asked    = `{"model":"m","stream":true,"messages":[{"role":"user","content":"Go on."}],"tools":[{"type":"function","function":{"name":"wipe"}}]}`
	proposed = `data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"wipe","arguments":"{\"disk\":\"all\"}"}}]}}]}` + "\n\n" +
		`data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}` + "\n\n" + "data: [DONE]\n\n"
)

// pass sends a stream through the guard of an exchange.
func pass(t *testing.T, x *Exchange, stream string) string {
	t.Helper()
	s := x.Stream("text/event-stream", 1<<20)
	if s == nil {
		return stream
	}
	defer s.Close()
	framer := openaichat.New().NewFramer("text/event-stream", 1<<20)
	framer.Write([]byte(stream))
	framer.Close()
	for f, ok := framer.Next(); ok; f, ok = framer.Next() {
		s.Frame(f)
		s.Decide()
	}
	s.Finish(true)
	return string(s.Take())
}

// TestEngineFails: a call that could not be judged is refused, and in report mode,
// where nothing is to be stopped, it passes and the failure is on record.
func TestEngineFails(t *testing.T) {
	for _, act := range []bool{true, false} {
		g := New(Options{Act: act, Policy: policy.Default, MaxHeld: 1 << 20})
		x := g.Begin(Target{Provider: "openai", Profile: "p", Format: openaichat.New()})
		if l := x.Request([]byte(asked), nil, "", ""); l.Refusal != nil {
			t.Fatal(l.Refusal)
		}
		x.judging = new(policy.Session) // whatever is asked of it panics
		out := pass(t, x, proposed)
		if passed := strings.Contains(out, `\"disk\"`); passed == act {
			t.Errorf("act %v: the client got %s", act, out)
		}
		if act && (!strings.Contains(out, ruleFailure) || !strings.Contains(out, `"finish_reason":"stop"`) || !strings.HasSuffix(out, "data: [DONE]\n\n")) {
			t.Errorf("the client got %s", out)
		}
		calls := []llm.ToolCall{{ID: "c1", Name: "wipe", Arguments: []byte(`{"disk":"all"}`)}}
		x.Annotate(calls)
		if c := calls[0]; c.Rule != ruleFailure || (c.Verdict == llm.ActionBlock) != act || !act && c.Would != llm.ActionBlock {
			t.Errorf("act %v: recorded as %+v", act, c)
		}
	}
}

// TestRulesFail: without rules nothing leaves where they are acted upon.
func TestRulesFail(t *testing.T) {
	for name, rules := range map[string]func() *policy.Policy{
		"panic": func() *policy.Policy { panic("no rules today") },
		"none":  func() *policy.Policy { return nil },
	} {
		for _, act := range []bool{true, false} {
			g := New(Options{Act: act, Policy: rules, MaxHeld: 1 << 20})
			x := g.Begin(Target{Provider: "openai", Profile: "p", Format: openaichat.New()})
			l := x.Request([]byte(asked), nil, "", "")
			if refused := l.Refusal != nil && l.Status == http.StatusInternalServerError; refused != act {
				t.Errorf("%s, act %v: %+v", name, act, l)
			}
			if out := pass(t, x, proposed); strings.Contains(out, `\"disk\"`) == act {
				t.Errorf("%s, act %v: the client got %s", name, act, out)
			}
			x.Answer(&llm.Answer{ID: "a", ToolCalls: []llm.ToolCall{{Name: "wipe"}}}) // and lives
		}
	}
}

// TestDetectorFails: a request that could not be looked into does not leave.
func TestDetectorFails(t *testing.T) {
	for _, act := range []bool{true, false} {
		g := New(Options{Act: act, Policy: policy.Default, Secrets: Report, MaxHeld: 1 << 20})
		g.scanner = new(payload.Scanner) // whatever is asked of it panics
		x := g.Begin(Target{Provider: "openai", Profile: "p", Format: openaichat.New()})
		l := x.Request([]byte(asked), nil, "", "")
		if refused := l.Refusal != nil && l.Status == http.StatusInternalServerError; refused != act || string(l.Send) != asked {
			t.Errorf("act %v: %+v", act, l)
		}
	}
}
