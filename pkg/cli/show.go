package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/printable"
)

type showOptions struct {
	ref  string
	json bool
	raw  string
}

func newShow(a *app) *cobra.Command {
	var o showOptions
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show one interaction in full",
		Long: `Shows one interaction: as a conversation, as JSON, or the bytes of its request or
response.

An id may be shortened to any beginning or end of it that is unique; "last" is
the newest interaction. On a terminal, raw bytes are decompressed and made
printable; in a pipe or a file they are what went over the wire: the answer's as
the provider sent it, refused tool calls included. Secrets and personal data of
the request were left out when it was recorded, unless a setting is off.`,
		Example: `  archestra show last
  archestra show 3f9a21c0 --json
  archestra show last --raw response > response.bin`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" {
				return usagef("which interaction? Give one ID, or last")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.ref = args[0]
			return a.show(cmd.Context(), cmd, o)
		},
	}
	addJSON(cmd, &o.json)
	cmd.Flags().StringVar(&o.raw, "raw", "", "print the bytes of the request or the response")
	// Registering can only fail for a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("raw", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{string(control.SideRequest), string(control.SideResponse)}, cobra.ShellCompDirectiveNoFileComp
	})
	addSourceFlags(cmd)
	return cmd
}

func (a *app) show(ctx context.Context, cmd *cobra.Command, o showOptions) error {
	side := control.Side(o.raw)
	if o.raw != "" && side != control.SideRequest && side != control.SideResponse {
		return usagef("--raw %s: want %s or %s", o.raw, control.SideRequest, control.SideResponse)
	}
	if o.json && o.raw != "" {
		return usagef("--json and --raw cannot be had together")
	}
	src, err := a.open(ctx, cmd)
	if err != nil {
		return err
	}
	defer src.close()
	if o.raw != "" {
		return a.showRaw(ctx, src, o.ref, side)
	}
	i, err := src.Interaction(ctx, o.ref)
	if err != nil {
		return err
	}
	if o.json {
		return a.json(i)
	}
	c, err := src.Conversation(ctx, i.ID)
	if err != nil {
		a.say("The conversation cannot be shown: %v.", err)
		c = &llm.Conversation{}
	}
	p := newPage(a.out)
	p.summary(i, time.Now())
	p.conversation(c)
	p.answer(i)
	return p.flush()
}

func (a *app) showRaw(ctx context.Context, src *source, ref string, side control.Side) error {
	body, err := src.Body(ctx, ref, side, a.out.terminal)
	if err != nil {
		return err
	}
	defer body.Close()
	if !a.out.terminal {
		_, err := io.Copy(a.out, body)
		return err
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	return a.out.line(printable.Bytes(bytes.TrimSuffix(b, []byte("\n"))))
}

// page prints for people. Its first error is flush's.
type page struct {
	out *screen
	w   *bufio.Writer
}

func newPage(out *screen) *page { return &page{out, bufio.NewWriter(out)} }

func (p *page) flush() error { return p.w.Flush() }

// print writes pieces and ends the line. After an error the writer takes no
// more, and flush tells.
func (p *page) print(pieces ...string) {
	for _, s := range pieces {
		_, _ = p.w.WriteString(s)
	}
	_ = p.w.WriteByte('\n')
}

func (p *page) line(st style, format string, args ...any) {
	p.print(p.out.paint(st, printable.Line(fmt.Sprintf(format, args...))))
}

// text prints text of several lines, each behind indent.
func (p *page) text(st style, indent, s string) {
	for _, l := range printable.New(strings.TrimRight(s, "\n")).Lines() {
		p.print(indent, p.out.paint(st, l))
	}
}

// heading separates parts.
func (p *page) heading(format string, args ...any) {
	p.line(plain, "")
	p.line(bold, format, args...)
}

func (p *page) summary(i *llm.Interaction, now time.Time) {
	p.line(bold, "%s %s  %s/%s  profile %s", glyph(i.State), stateWord(i), i.Provider, modelOf(i), i.Profile)
	facts := []string{i.StartedAt.In(now.Location()).Format("2006-01-02 15:04:05")}
	if i.DurationMS != nil {
		facts = append(facts, "took "+humanMillis(i.DurationMS))
	}
	if i.TTFTMS != nil {
		facts = append(facts, "first token after "+humanMillis(i.TTFTMS))
	}
	if i.OverheadMS != nil {
		facts = append(facts, "archestra "+humanMillis(i.OverheadMS))
	}
	p.line(plain, "%s", strings.Join(facts, ", "))
	p.line(plain, "%s  cost %s", tokenFacts(i.Usage), humanCost(i.CostUSD))
	status := ""
	if i.Status != 0 {
		status = fmt.Sprintf(" → %d", i.Status)
	}
	p.line(plain, "%s %s%s  %s up, %s down", i.Method, i.Path, status, humanBytes(i.RequestBytes), humanBytes(i.ResponseBytes))
	if c := i.Client; c != (llm.Client{}) {
		var parts []string
		for _, s := range []string{c.Agent, c.UserAgent} {
			if s != "" {
				parts = append(parts, s)
			}
		}
		if c.Session != "" {
			parts = append(parts, "session "+c.Session)
		}
		p.line(plain, "from %s", strings.Join(parts, ", "))
	}
	for _, f := range i.Findings {
		p.line(yellow, "found %s in %s: %s", f.Kind, f.Where, f.Action)
	}
	for _, n := range i.Notes {
		p.line(yellow, "note: %s", n)
	}
	p.line(dim, "%s", i.ID)
}

func tokenFacts(u *llm.Usage) string {
	if u == nil {
		return "tokens " + unknown
	}
	s := "tokens " + humanTokens(u)
	for _, x := range []struct {
		n    *int64
		word string
	}{{u.CacheReadTokens, "cached"}, {u.CacheWriteTokens, "written to cache"}, {u.ReasoningTokens, "reasoning"}} {
		if x.n != nil && *x.n > 0 {
			s += ", " + humanCount(*x.n) + " " + x.word
		}
	}
	return s
}

func (p *page) conversation(c *llm.Conversation) {
	if len(c.Tools) > 0 {
		names := make([]string, len(c.Tools))
		for k, t := range c.Tools {
			names[k] = t.Name
		}
		p.heading("tools %d", len(c.Tools))
		p.text(plain, "", strings.Join(names, ", "))
	}
	if c.PreviousID != "" {
		p.line(dim, "continues %s, which the provider keeps", c.PreviousID)
	}
	if len(c.System) > 0 {
		p.heading("system")
		p.parts(c.System)
	}
	for _, m := range c.Messages {
		p.heading("%s", m.Role)
		p.parts(m.Parts)
	}
}

func (p *page) parts(parts []llm.Part) {
	for _, part := range parts {
		switch part.Kind {
		case llm.PartText:
			p.text(plain, "", part.Text)
		case llm.PartReasoning:
			p.text(dim, "│ ", part.Text)
		case llm.PartToolCall:
			p.line(blue, "→ %s %s%s", part.Name, oneLine(part.Arguments), idNote(part.CallID))
		case llm.PartToolResult:
			mark := "←"
			if part.IsError {
				mark = "← error"
			}
			p.line(blue, "%s %s%s", mark, part.Name, idNote(part.CallID))
			p.text(plain, "  ", part.Text)
		case llm.PartOther:
			p.text(dim, "", part.Text)
		default:
			p.line(dim, "[%s]", mediaFacts(part))
		}
	}
}

func idNote(id string) string {
	if id == "" {
		return ""
	}
	return "  (" + id + ")"
}

// mediaFacts names an image, a sound or a file.
func mediaFacts(part llm.Part) string {
	facts := []string{string(part.Kind)}
	for _, s := range []string{part.Media, part.Name, part.Text} {
		if s != "" {
			facts = append(facts, s)
		}
	}
	if part.Bytes > 0 {
		facts = append(facts, humanBytes(int64(part.Bytes)))
	}
	return strings.Join(facts, ", ")
}

// oneLine writes JSON on one line, as it is where it is no JSON.
func oneLine(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return string(raw)
	}
	return b.String()
}

// answer prints what the model said.
func (p *page) answer(i *llm.Interaction) {
	if i.Text == "" && i.Reasoning == "" && i.Refusal == "" && len(i.ToolCalls) == 0 && i.Error == nil && len(i.Choices) == 0 {
		return
	}
	p.heading("answer")
	if i.Reasoning != "" {
		p.text(dim, "│ ", i.Reasoning)
	}
	if i.Text != "" {
		p.text(plain, "", i.Text)
	}
	if i.Refusal != "" {
		p.text(yellow, "refusal: ", i.Refusal)
	}
	for _, c := range i.ToolCalls {
		args := oneLine(c.Arguments)
		if len(c.Arguments) == 0 {
			args = c.ArgumentsText
		}
		p.line(blue, "→ %s %s%s", c.Name, args, idNote(c.ID))
		if words, st := verdictWords(&c); words != "" {
			p.line(st, "  %s", strings.Join(nonEmpty(words, c.Rule, c.Reason), " "))
		}
	}
	for _, c := range i.Choices {
		if c.Index == 0 || c.Text == "" {
			continue
		}
		p.heading("answer, choice %d", c.Index)
		p.text(plain, "", c.Text)
	}
	if e := i.Error; e != nil {
		p.line(red, "error from %s: %s", e.Source, strings.Join(nonEmpty(e.Type, e.Code, e.Message), ", "))
	}
	if r := nonEmpty(i.FinishReasons...); len(r) > 0 {
		p.line(dim, "finished: %s", strings.Join(r, ", "))
	}
}

func nonEmpty(all ...string) []string {
	var some []string
	for _, s := range all {
		if s != "" {
			some = append(some, s)
		}
	}
	return some
}
