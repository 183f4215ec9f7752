package cli

import (
	"fmt"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/demo"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
)

// teller tells the story of archestra demo from its record.
type teller struct {
	page *page

	requests, blocked, denied, links, secrets int64
	cost                                      llm.Decimal
}

// toldWidth is where lines are wrapped, in cells.
const toldWidth = 100

func (t *teller) begin() {
	t.page.line(bold, "SIMULATED: the models, the mail, the pages and the money are made up.")
	t.page.line(plain, "The proxy is real, and so are its rules, its record and what it counts.")
}

func (t *teller) scene(s *demo.Scene, exchanges []demo.Exchange, record []*llm.Interaction) {
	t.page.heading("%s  (simulated %s, %s)", s.Profile, s.Model, s.Provider)
	var cost llm.Decimal
	for k := range exchanges {
		x, i := &exchanges[k], record[k]
		task := &s.Tasks[x.Task]
		turn := &task.Turns[x.Turn]
		if x.Turn == 0 {
			t.say(bold, "user", task.Ask)
		}
		t.secretsFound(i)
		t.say(plain, "model", turn.Says)
		for n := range i.ToolCalls {
			t.call(&i.ToolCalls[n], turn, n)
		}
		t.linksFound(i, x.Said)
		if i.CostUSD != nil {
			cost += *i.CostUSD
		}
	}
	t.say(dim, "cost", fmt.Sprintf("%s, %s", plural(int64(len(record)), "request"), humanCost(&cost)))
	t.requests += int64(len(record))
	t.cost += cost
}

// secretsFound tells of secrets in a request.
func (t *teller) secretsFound(i *llm.Interaction) {
	for _, f := range i.Findings {
		if f.Kind == "secret" && f.Action == "redact" {
			t.secrets++
			t.say(yellow, "FOUND", "a secret ("+f.Detector+") in the request: the provider got a placeholder")
		}
	}
}

// linksFound tells of links in an answer, and how they reached the agent.
func (t *teller) linksFound(i *llm.Interaction, said string) {
	for _, f := range i.Findings {
		if f.Detector == "links" {
			t.links++
			t.say(yellow, "FOUND", "an "+f.Kind+" in the "+f.Where+". It was made harmless:")
			for line := range strings.Lines(said) {
				if strings.Contains(line, "hxxp") {
					t.say(plain, "", line)
				}
			}
		}
	}
}

func (t *teller) call(c *llm.ToolCall, turn *demo.Turn, n int) {
	t.say(plain, "calls", toolName(c.Name)+" "+oneLine(c.Arguments))
	switch {
	case c.Verdict == llm.ActionAllow || c.Answer == llm.ActionAllow:
		if n < len(turn.Calls) && turn.Calls[n].Note != "" {
			t.say(plain, "tool", turn.Calls[n].Note)
		}
		return
	case c.By != "":
		t.denied++
		t.say(red, "ASKED", "by rule "+c.Rule+". On the screen you are asked; this text denies it")
	default:
		t.blocked++
		t.say(red, "BLOCKED", "by rule "+c.Rule+". The agent got the reason in the place of the call")
	}
	t.say(plain, "why", c.Reason)
	t.say(plain, "instead", c.Accept)
}

func (t *teller) end() {
	t.page.heading("In all %s, %s: %s blocked, %s asked about and denied,", plural(t.requests, "request"), humanCost(&t.cost), plural(t.blocked, "call"), plural(t.denied, "call"))
	t.page.line(bold, "%s kept back, %s made harmless.", plural(t.secrets, "secret"), plural(t.links, "link"))
	t.page.line(plain, "To see it live, and to answer yourself: archestra demo")
}

// say prints a text behind a word that tells whose it is.
func (t *teller) say(st style, who, text string) {
	const lead = "  %-8s "
	first := fmt.Sprintf(lead, who)
	if strings.TrimSpace(text) == "" {
		return
	}
	for _, l := range printable.New(text).Wrap(toldWidth - len(first)) {
		if l.Empty() {
			continue
		}
		t.page.print(t.page.out.paint(st, printable.Line(first)), l.String())
		first = strings.Repeat(" ", len(first))
	}
}
