package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
	"github.com/archestra-ai/archestra-cli/pkg/secret"
)

func newPolicyExplain(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain ID",
		Short: "Tell why each tool call of an interaction was judged as it was",
		Long: `Tells of each tool call in an answer what was decided then, and what the rules in
force decide now: the facts about the call, the rules that were tried, the one
that decided, and where the value came from: the message, the bytes and the text
there. It says where the two differ.

Ids are those of archestra logs; "last" is the newest interaction.`,
		Example: `  archestra policy explain last
  archestra policy explain 3f9a21c0 --json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" {
				return usagef("which interaction? Give one ID, or last")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.policyExplain(cmd.Context(), cmd, args[0], asJSON)
		},
	}
	addJSON(cmd, &asJSON)
	config.AddFlags(cmd.Flags(), "data-dir", "config", "policy")
	return cmd
}

// explanation is what `policy explain --json` prints.
type explanation struct {
	Interaction string          `json:"interaction"`
	Profile     string          `json:"profile"`
	Calls       []explainedCall `json:"calls"`
	Notes       []string        `json:"notes,omitempty"`
}

// explainedCall is one tool call, as it was judged and as it would be.
type explainedCall struct {
	Call   llm.ToolCall   `json:"call"` // with the verdict and the facts of then
	Now    policy.Verdict `json:"now"`
	Source *place         `json:"source,omitempty"`
	// SourceThen is the place that was recorded, where it is another one.
	SourceThen *place         `json:"source_then,omitempty"`
	Tried      []policy.Trial `json:"rules"` // in order; those behind the deciding one would have been next
	Differs    bool           `json:"differs"`
}

// place is where in a conversation a value stands.
type place struct {
	Message int      `json:"message"` // -1 is outside the messages
	Part    int      `json:"part"`
	Role    llm.Role `json:"role"`
	Tool    string   `json:"tool,omitempty"`
	Start   int      `json:"start"` // bytes in the part's text
	End     int      `json:"end"`
	Before  string   `json:"before,omitempty"` // what stands around it
	Text    string   `json:"text"`
	After   string   `json:"after,omitempty"`
}

func (a *app) policyExplain(ctx context.Context, cmd *cobra.Command, ref string, asJSON bool) error {
	cfg, err := a.load(cmd)
	if err != nil {
		return err
	}
	rules, err := a.openRules(cfg)
	if err != nil {
		return a.faults(err)
	}
	analyzer, err := newAnalyzer(cfg)
	if err != nil {
		return err
	}
	src, err := a.open(ctx, cmd)
	if err != nil {
		return err
	}
	defer src.close()
	i, err := src.Interaction(ctx, ref)
	if err != nil {
		return err
	}
	c, err := wholeConversation(ctx, src, i)
	if err != nil {
		return fmt.Errorf("the conversation of %s: %w", i.ID, err)
	}
	x := explanation{Interaction: i.ID, Profile: i.Profile, Calls: []explainedCall{}}
	switch {
	case i.API == llm.APIOther:
		x.Notes = append(x.Notes, "What was said before is not known, since this API is not observed in full: nobody vouches for it.")
	case c.PreviousID != "":
		x.Notes = append(x.Notes, "The provider holds what was said before ("+c.PreviousID+"), and it was not recorded here, so nobody vouches for it.")
	}
	session := rules.Session(analyzer, i.Profile, c, nil)
	for _, call := range i.ToolCalls {
		v := session.Judge(call)
		e := explainedCall{Call: call, Now: v, Source: placeIn(c, v.Source), Tried: rules.Explain(i.Profile, v.Facts)}
		if then := placeIn(c, sourceThen(call.Facts)); then != nil && (e.Source == nil || *then != *e.Source) {
			e.SourceThen = then
		}
		e.Differs = call.Verdict != "" && (decided(&call) != decision(v) || call.Rule != v.Rule)
		x.Calls = append(x.Calls, e)
	}
	if asJSON {
		return a.json(x)
	}
	p := newPage(a.out)
	p.line(bold, "%s %s  %s/%s  profile %s", shortID(i.ID), stateWord(i), i.Provider, modelOf(i), i.Profile)
	for _, n := range x.Notes {
		p.line(yellow, "note: %s", n)
	}
	for k := range x.Calls {
		p.explained(&x.Calls[k])
	}
	if len(x.Calls) == 0 {
		p.line(plain, "The answer calls no tool.")
	}
	return p.flush()
}

// newAnalyzer makes an analyzer that finds facts as a server's does.
func newAnalyzer(cfg *config.Config) (*fact.Analyzer, error) {
	detector, err := secret.New(detectorOptions(cfg))
	if err != nil {
		return nil, err
	}
	a := fact.NewAnalyzer(0)
	a.DetectSecrets(func(text string) string {
		for _, f := range detector.Scan(text) {
			if f.Kind.Secret() {
				return cmp.Or(f.Rule, string(f.Kind))
			}
		}
		return ""
	})
	return a, nil
}

// conversationOf returns the request's conversation. That of an API which is not
// observed is not known, and judged as such.
func conversationOf(ctx context.Context, src control.Reader, i *llm.Interaction) (*llm.Conversation, error) {
	if i.API == llm.APIOther {
		return &llm.Conversation{PreviousID: "not known"}, nil
	}
	return src.Conversation(ctx, i.ID)
}

// wholeConversation returns the request's conversation with what came before it, as
// far as that was recorded where the provider holds it. Else PreviousID names it.
func wholeConversation(ctx context.Context, src control.Reader, i *llm.Interaction) (*llm.Conversation, error) {
	c, err := conversationOf(ctx, src, i)
	if err != nil || c.PreviousID == "" || i.API == llm.APIOther {
		return c, err
	}
	answers := map[string]*llm.Interaction{}
	for before, err := range src.Interactions(ctx, control.Query{Before: i.ID}) {
		if err != nil {
			return nil, err
		}
		if before.ResponseID != "" && before.Profile == i.Profile && before.Provider == i.Provider && keptOf(before) == "" {
			answers[before.ResponseID] = before
		}
	}
	whole := *c
	for whole.PreviousID != "" {
		before := answers[whole.PreviousID]
		if before == nil {
			return &whole, nil
		}
		delete(answers, whole.PreviousID) // a history goes back and never round
		c, err := src.Conversation(ctx, before.ID)
		if err != nil {
			return nil, err
		}
		whole.Messages = slices.Concat(c.Messages, []llm.Message{answerOf(before)}, whole.Messages)
		whole.PreviousID = c.PreviousID
	}
	return &whole, nil
}

// answerOf is a recorded answer as the message that the next request continues.
func answerOf(i *llm.Interaction) llm.Message {
	m := llm.Message{Role: llm.RoleAssistant}
	if i.Text != "" {
		m.Parts = append(m.Parts, llm.Part{Kind: llm.PartText, Text: i.Text})
	}
	for _, c := range i.ToolCalls {
		m.Parts = append(m.Parts, llm.Part{Kind: llm.PartToolCall, Name: c.Name, CallID: c.ID, Arguments: c.Arguments, Text: c.ArgumentsText})
	}
	return m
}

// decided is what the rules said of a recorded call, whatever became of it.
func decided(c *llm.ToolCall) llm.Action {
	switch {
	case c.Would != "":
		return c.Would
	case c.Answer != "" || c.By != "":
		return llm.ActionAsk
	}
	return c.Verdict
}

// decision is what the rules say, whether or not it is acted upon.
func decision(v policy.Verdict) llm.Action {
	if v.Would != "" {
		return v.Would
	}
	return v.Action
}

// sourceThen is the place that stands in recorded facts, or nil.
func sourceThen(facts json.RawMessage) *fact.Seen {
	var recorded struct {
		Source *struct {
			Message, Part, Start, End int
			Tool                      string
		}
	}
	if json.Unmarshal(facts, &recorded) != nil || recorded.Source == nil { // of another version, or none
		return nil
	}
	s := recorded.Source
	return &fact.Seen{Message: s.Message, Part: s.Part, Start: s.Start, End: s.End, Tool: s.Tool}
}

// maxQuoted is how much of a place is quoted, and maxAround how much of what stands
// before and behind it, in bytes.
const (
	maxQuoted = 300
	maxAround = 60
)

// placeIn finds a place in a conversation; nil where there is none.
func placeIn(c *llm.Conversation, s *fact.Seen) *place {
	if s == nil {
		return nil
	}
	p := &place{Message: s.Message, Part: s.Part, Role: llm.RoleSystem, Tool: s.Tool, Start: s.Start, End: s.End}
	parts := c.System
	if s.Message >= len(c.Messages) {
		return nil
	}
	if s.Message >= 0 {
		parts, p.Role = c.Messages[s.Message].Parts, c.Messages[s.Message].Role
	}
	if s.Part < 0 || s.Part >= len(parts) {
		return nil
	}
	text := parts[s.Part].Text
	if s.Start < 0 || s.Start > s.End || s.End > len(text) {
		return nil
	}
	p.Before = fromRune(text[max(0, s.Start-maxAround):s.Start])
	p.Text = toRune(text[s.Start:s.End], maxQuoted)
	if len(p.Text) == s.End-s.Start {
		p.After = toRune(text[s.End:], maxAround)
	}
	return p
}

// fromRune drops the end of a character that was cut at the beginning.
func fromRune(s string) string {
	for s != "" && !utf8.RuneStart(s[0]) {
		s = s[1:]
	}
	return s
}

// toRune cuts a text to so many bytes, not within a character.
func toRune(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}
