package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
)

// markdownExporter writes interactions as a document for people. What models
// and tools wrote stands in fenced blocks: their own markup, links and images
// are shown, not followed.
type markdownExporter struct {
	w   *bufio.Writer
	src *source
}

func (x *markdownExporter) begin() error { return nil }
func (x *markdownExporter) end() error   { return nil }

func (x *markdownExporter) add(ctx context.Context, i *llm.Interaction) error {
	c, err := x.src.Conversation(ctx, i.ID)
	if errors.Is(err, control.ErrNotKept) {
		c, err = &llm.Conversation{}, nil
	}
	if err != nil {
		return err
	}
	m := &markdown{w: x.w}
	m.head(i)
	for _, p := range c.System {
		m.part("System", p)
	}
	for _, msg := range c.Messages {
		for _, p := range msg.Parts {
			m.part(strings.ToUpper(string(msg.Role[:min(1, len(msg.Role))]))+string(msg.Role[min(1, len(msg.Role)):]), p)
		}
	}
	m.answer(i)
	return m.err
}

type markdown struct {
	w   *bufio.Writer
	err error
}

func (m *markdown) line(format string, args ...any) {
	if m.err == nil {
		_, m.err = fmt.Fprintln(m.w, printable.Line(fmt.Sprintf(format, args...)))
	}
}

// fenced writes text as a code block, in a fence that is longer than any in it
// (CommonMark 0.31, section 4.5).
func (m *markdown) fenced(title, text string) {
	if text == "" {
		return
	}
	m.line("**%s**", escapeMarkdown(title))
	m.line("")
	clean := printable.New(strings.TrimRight(text, "\n")).String()
	longest, now := 2, 0
	for _, r := range clean {
		if r != '`' {
			now = 0
			continue
		}
		now++
		longest = max(longest, now)
	}
	fence := strings.Repeat("`", longest+1)
	if m.err == nil {
		_, m.err = fmt.Fprintf(m.w, "%s\n%s\n%s\n\n", fence, clean, fence)
	}
}

func (m *markdown) head(i *llm.Interaction) {
	m.line("## %s", escapeMarkdown(i.StartedAt.UTC().Format(time.DateTime)+" "+i.Provider+"/"+modelOf(i)+" "+stateWord(i)))
	m.line("")
	m.line("- id: %s", escapeMarkdown(i.ID))
	m.line("- profile: %s", escapeMarkdown(i.Profile))
	m.line("- %s, cost %s, time to first token %s, took %s", escapeMarkdown(tokenFacts(i.Usage)), escapeMarkdown(humanCost(i.CostUSD)), humanMillis(i.TTFTMS), humanMillis(i.DurationMS))
	for _, f := range i.Findings {
		m.line("- found %s in %s: %s", escapeMarkdown(f.Kind), escapeMarkdown(f.Where), escapeMarkdown(f.Action))
	}
	for _, n := range i.Notes {
		m.line("- note: %s", escapeMarkdown(n))
	}
	m.line("")
}

func (m *markdown) part(who string, p llm.Part) {
	switch p.Kind {
	case llm.PartText:
		m.fenced(who, p.Text)
	case llm.PartReasoning:
		m.fenced(who+", reasoning", p.Text)
	case llm.PartToolCall:
		m.fenced(who+", calls "+p.Name, pretty(p.Arguments))
	case llm.PartToolResult:
		m.fenced("Result "+p.Name+idNote(p.CallID), p.Text)
	case llm.PartOther:
		m.fenced(who+", other", p.Text)
	default:
		m.line("**%s** %s", escapeMarkdown(who), escapeMarkdown(mediaFacts(p)))
		m.line("")
	}
}

func (m *markdown) answer(i *llm.Interaction) {
	m.fenced("Answer, reasoning", i.Reasoning)
	m.fenced("Answer", i.Text)
	m.fenced("Refusal", i.Refusal)
	for _, c := range i.ToolCalls {
		title := "Answer, calls " + c.Name
		if words, _ := verdictWords(&c); words != "" {
			title += ": " + words
		}
		args := pretty(c.Arguments)
		if len(c.Arguments) == 0 {
			args = c.ArgumentsText
		}
		m.fenced(title, args)
	}
	if e := i.Error; e != nil {
		m.fenced("Error from "+string(e.Source), strings.Join(nonEmpty(e.Type, e.Code, e.Message), ", "))
	}
}

func pretty(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}

// escapeMarkdown keeps signs from being markup: any ASCII punctuation may stand
// behind a backslash (CommonMark 0.31, section 2.4).
func escapeMarkdown(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune("\\`*_[]<>#|!&~", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
