package feed

import (
	"bytes"
	"slices"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// maxText is how many bytes of an unfinished answer the feed keeps for those
// who come later. Beyond it the beginning stays and the rest is left out.
const maxText = 1 << 20

// running is what is known of an interaction that has not finished: its newest
// snapshot, and the text and calls that later snapshots leave out.
type running struct {
	snapshot  *llm.Interaction
	text      []byte
	reasoning []byte
	calls     []llm.ToolCall
}

// trackAsk takes note of a question that is asked or settled.
func (f *Feed) trackAsk(e *llm.Event) {
	if e.Ask == nil {
		return
	}
	if r := f.running[e.Ask.Interaction]; r != nil && e.Interaction == nil {
		e.Interaction = r.snapshot
	}
	f.asks = slices.DeleteFunc(f.asks, func(a *llm.Ask) bool { return a.ID == e.Ask.ID })
	if e.Type == llm.EventHeld {
		f.asks = append(f.asks, e.Ask)
	}
}

// track takes note of an event.
func (f *Feed) track(e *llm.Event) {
	if e.Interaction == nil {
		return
	}
	id := e.Interaction.ID
	if e.Type == llm.EventFinished {
		delete(f.running, id)
		return
	}
	r := f.running[id]
	if r == nil {
		if e.Type != llm.EventStarted {
			return // a straggler behind its finished event
		}
		r = &running{}
		f.running[id] = r
	}
	r.snapshot = e.Interaction
	r.text = appendText(r.text, e.Text)
	r.reasoning = appendText(r.reasoning, e.Reasoning)
	if c := e.ToolCall; c != nil {
		r.note(*c)
	}
}

func appendText(b []byte, s string) []byte {
	return append(b, s[:min(len(s), maxText-min(len(b), maxText))]...)
}

// note adds a tool call, or replaces the one that it is a newer word on: the one
// with its id or, where the protocol gives none, the same call without a verdict.
func (r *running) note(c llm.ToolCall) {
	for i := range r.calls {
		old := &r.calls[i]
		same := old.ID == c.ID
		if c.ID == "" {
			same = same && c.Verdict != "" && old.Verdict == "" && old.Name == c.Name && bytes.Equal(old.Arguments, c.Arguments)
		}
		if same {
			*old = c
			return
		}
	}
	r.calls = append(r.calls, c)
}

// whole returns a snapshot with all that was published so far.
func (r *running) whole() *llm.Interaction {
	i := *r.snapshot
	if i.Text == "" {
		i.Text = string(r.text)
	}
	if i.Reasoning == "" {
		i.Reasoning = string(r.reasoning)
	}
	if len(i.ToolCalls) == 0 {
		i.ToolCalls = slices.Clone(r.calls)
	}
	return &i
}

// catchUp returns a started event for each running interaction, and then a held
// event for each open question, oldest first. Their number is 0: they repeat
// what was.
func (f *Feed) catchUp() []llm.Event {
	events := make([]llm.Event, 0, len(f.running))
	for _, r := range f.running {
		events = append(events, llm.Event{Type: llm.EventStarted, At: r.snapshot.StartedAt, Interaction: r.whole()})
	}
	slices.SortFunc(events, func(a, b llm.Event) int { return strings.Compare(a.Interaction.ID, b.Interaction.ID) })
	for _, a := range f.asks {
		e := llm.Event{Type: llm.EventHeld, At: a.AskedAt, Ask: a}
		if r := f.running[a.Interaction]; r != nil {
			e.Interaction = r.snapshot
		}
		events = append(events, e)
	}
	return events
}
