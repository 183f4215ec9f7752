package record

import (
	"slices"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

func (x *Exchange) toolCalls() {
	if !x.watched() {
		return
	}
	answer := x.stream.Answer()
	for ; x.finished < len(answer.ToolCalls); x.finished++ {
		call := answer.ToolCalls[x.finished]
		call.Arguments, call.ArgumentsText = scrub(call.Arguments, x.secret), scrubText(call.ArgumentsText, x.secret)
		x.publish(llm.Event{Type: llm.EventToolCall, Interaction: x.brief(), ToolCall: &call})
	}
}

// progressEvery spaces the progress events of one interaction.
const progressEvery = 100 * time.Millisecond

func (x *Exchange) progress(now time.Time) {
	if now.Sub(x.lastEvent) < progressEvery || !x.watched() {
		return
	}
	text, thought := x.stream.Text(x.sentText), x.stream.Reasoning(x.sentThink)
	if text == "" && thought == "" {
		return
	}
	x.sentText += len(text)
	x.sentThink += len(thought)
	x.lastEvent = now
	x.publish(llm.Event{
		Type: llm.EventProgress, Interaction: x.brief(),
		Text: scrubText(text, x.secret), Reasoning: scrubText(thought, x.secret),
	})
}

func (x *Exchange) watched() bool { return x.rec.opts.Feed != nil && x.rec.opts.Feed.Watched() }

func (x *Exchange) publish(e llm.Event) {
	if x.rec.opts.Feed == nil {
		return
	}
	e.At = time.Now().UTC()
	x.rec.opts.Feed.Publish(e)
}

// brief is a snapshot without long texts, for the events between start and end.
func (x *Exchange) brief() *llm.Interaction {
	if !x.watched() {
		return nil
	}
	return x.snapshot()
}

func (x *Exchange) snapshot() *llm.Interaction {
	s := &struct {
		llm.Interaction
		timing llm.Timing
	}{x.i, *x.i.Timing}
	i := &s.Interaction
	i.Timing = &s.timing
	i.Notes = slices.Clone(i.Notes)
	i.Findings = slices.Clone(i.Findings)
	return i
}
