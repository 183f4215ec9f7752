package demo

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/simulate"
)

// bare serves the simulated model where a proxy would be: /v1/{provider}/{profile}
// leads to the provider and nobody judges.
func bare(t *testing.T) (base string, model *simulate.Server) {
	t.Helper()
	model = simulate.New(simulate.Options{Answer: Provider(Story(), false), Strict: true})
	t.Cleanup(func() { _ = model.Close() })
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parts := strings.SplitN(r.URL.Path, "/", 5)
		r.URL.Path = "/" + parts[2] + "/" + parts[4]
		model.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, model
}

func work(t *testing.T, base string, s *Scene) []Exchange {
	t.Helper()
	a := Agent{Scene: *s, Base: base, Client: http.DefaultClient}
	done, err := a.Work(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// recorded is the record of a proxy that let everything pass.
func recorded(exchanges []Exchange) []*llm.Interaction {
	var out []*llm.Interaction
	for _, x := range exchanges {
		i := &llm.Interaction{CostUSD: new(llm.Decimal)}
		for _, c := range x.Calls {
			i.ToolCalls = append(i.ToolCalls, llm.ToolCall{Name: c.Tool, Verdict: llm.ActionAllow})
		}
		out = append(out, i)
	}
	return out
}

// TestWithoutAProxy: the agents follow the whole story, and where nobody stops
// them they do what the attackers want. Check says so of every scene.
func TestWithoutAProxy(t *testing.T) {
	base, model := bare(t)
	for _, s := range Story() {
		done := work(t, base, &s)
		want := 0
		for _, task := range s.Tasks {
			for _, turn := range task.Turns {
				if want >= len(done) {
					t.Fatalf("%s: it ended after %d exchanges", s.Profile, len(done))
				}
				x := done[want]
				want++
				if x.Said != turn.Says || len(x.Calls) != len(turn.Calls) {
					t.Errorf("%s, request %d: it says %q and calls %+v", s.Profile, want, x.Said, x.Calls)
				}
				for i, c := range x.Calls {
					if c.Tool != turn.Calls[i].Tool || c.Arguments != turn.Calls[i].Arguments {
						t.Errorf("%s, request %d: it calls %s %s", s.Profile, want, c.Tool, c.Arguments)
					}
				}
			}
		}
		for _, mark := range []llm.API{s.API} {
			if calls := string(done[0].Raw); !strings.Contains(calls, marks[mark]) {
				t.Errorf("%s: %s is not in an answer that calls", s.Profile, marks[mark])
			}
			if last := string(done[len(done)-1].Raw); len(done[len(done)-1].Calls) == 0 && strings.Contains(last, marks[mark]) {
				t.Errorf("%s: %s is in an answer that calls nothing", s.Profile, marks[mark])
			}
		}
		var sent [][]byte
		for _, r := range model.Requests() {
			sent = append(sent, r.Body)
		}
		if err := Check(&s, done, recorded(done), sent, true); err == nil {
			t.Errorf("%s: nobody stopped it, and Check finds nothing", s.Profile)
		}
	}
}

// TestCheck spoils a scene that came out well, in one thing each.
func TestCheck(t *testing.T) {
	s := inbox()
	refused := `data: {"choices":[{"delta":{"content":"[archestra] not let through"}}]}`
	well := func() ([]Exchange, []*llm.Interaction) {
		x := []Exchange{
			{Task: 0, Turn: 0, Calls: []Call{{Tool: "read_inbox"}}},
			{Task: 0, Turn: 1, Raw: []byte(refused)},
			{Task: 1, Turn: 0, Raw: []byte("(hxxps://pixel")},
		}
		i := recorded(x)
		i[1].ToolCalls = []llm.ToolCall{{Name: "send_money", Verdict: llm.ActionBlock, Rule: "attack-identifier"}}
		i[2].Findings = []llm.Finding{{Kind: "image", Detector: "links"}}
		return x, i
	}
	if x, i := well(); Check(&s, x, i, nil, true) != nil {
		t.Fatal(Check(&s, x, i, nil, true))
	}
	for name, spoil := range map[string]func(x *[]Exchange, i *[]*llm.Interaction){
		"an exchange is not recorded":      func(_ *[]Exchange, i *[]*llm.Interaction) { *i = (*i)[:2] },
		"a scene ends early":               func(x *[]Exchange, i *[]*llm.Interaction) { *x, *i = (*x)[:2], (*i)[:2] },
		"no cost":                          func(_ *[]Exchange, i *[]*llm.Interaction) { (*i)[0].CostUSD = nil },
		"an honest call is refused":        func(_ *[]Exchange, i *[]*llm.Interaction) { (*i)[0].ToolCalls[0].Verdict = llm.ActionBlock },
		"an honest call is lost":           func(x *[]Exchange, _ *[]*llm.Interaction) { (*x)[0].Calls = nil },
		"an attack passes":                 func(_ *[]Exchange, i *[]*llm.Interaction) { (*i)[1].ToolCalls[0].Verdict = llm.ActionAllow },
		"an attack is only asked about":    func(_ *[]Exchange, i *[]*llm.Interaction) { (*i)[1].ToolCalls[0].By = "terminal" },
		"a blocked call reaches the agent": func(x *[]Exchange, _ *[]*llm.Interaction) { (*x)[1].Calls = []Call{{Tool: "send_money"}} },
		"its bytes reach the agent":        func(x *[]Exchange, _ *[]*llm.Interaction) { (*x)[1].Raw = []byte(`{"tool_calls":[]}`) },
		"its arguments reach the agent":    func(x *[]Exchange, _ *[]*llm.Interaction) { (*x)[1].Raw = []byte("Second notice, settled") },
		"a link is not found":              func(_ *[]Exchange, i *[]*llm.Interaction) { (*i)[2].Findings = nil },
		"a link reaches the agent":         func(x *[]Exchange, _ *[]*llm.Interaction) { (*x)[2].Raw = []byte("(https://pixel") },
	} {
		x, i := well()
		spoil(&x, &i)
		if Check(&s, x, i, nil, true) == nil {
			t.Errorf("%s: nothing is found", name)
		}
	}
	c := coder()
	if err := Check(&c, nil, nil, [][]byte{[]byte("… " + deployKey)}, true); err == nil || !strings.Contains(err.Error(), "a secret reached") {
		t.Errorf("a key that left: %v", err)
	}
}

// TestStoryIsMadeUp: no name of the story can be somebody's.
func TestStoryIsMadeUp(t *testing.T) {
	for _, s := range Story() {
		for _, task := range s.Tasks {
			for _, turn := range task.Turns {
				texts := []string{task.Ask, turn.Says}
				for _, c := range turn.Calls {
					texts = append(texts, c.Arguments, c.Result, c.Note)
				}
				for _, text := range texts {
					for _, top := range []string{".com", ".net", ".org", ".io", ".dev"} {
						if strings.Contains(text, top) {
							t.Errorf("%s: %q names a host that may exist; RFC 2606 has .test", s.Profile, text)
						}
					}
				}
				for _, c := range turn.Calls {
					if turn.Wish != "" && !strings.Contains(c.Arguments, turn.Telling) || strings.Contains(c.Note, deployKey) {
						t.Errorf("%s: the call of %s does not hold %q, or tells a key", s.Profile, c.Tool, turn.Telling)
					}
				}
			}
		}
	}
}
