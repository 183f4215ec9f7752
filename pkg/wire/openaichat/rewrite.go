package openaichat

import (
	"bytes"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/rewrite"
)

// NewRewriter implements wire.Rewriting. A text is a choice's content, its
// reasoning under one of that member's names, its refusal, or a call's arguments.
// It ends with the choice; content, reasoning and refusal also where the choice
// goes on with something else. The log probabilities beside a changed text become
// null.
func (format) NewRewriter(_ string, o wire.RewriteOptions) wire.Rewriter {
	return rewrite.New(&rewriter{}, hold.Events, o)
}

// Rewrite implements wire.Rewriting.
func (format) Rewrite(body []byte, o wire.RewriteOptions) []byte {
	return rewrite.Body(&rewriter{whole: true}, body, o)
}

// The texts of a choice.
const (
	textContent byte = iota
	textReasoningContent
	textReasoning
	textThinking // the member, and Mistral's content of that type
	textDetails
	textSummaries
	textRefusal
	textArguments
	textLegacy
)

type rewriter struct {
	whole       bool    // the body is one whole JSON value
	st          *stream // tells which part belongs to which call; nil before any
	scan, inner jsonscan.Scanner
	chosen      []chosen
	spans       []llm.Span // of chosen
	said        message
}

// Keep implements rewrite.Reader. A made chunk names no role, id or function:
// SDKs append what comes twice.
func (*rewriter) Keep(name string, outer bool) bool {
	switch name {
	case "id", "object", "created", "model", "system_fingerprint", "service_tier", "provider":
		return outer
	}
	return name == "index" || name == "type"
}

// Idle implements rewrite.Reader.
func (*rewriter) Idle(name []byte) bool {
	switch string(name) {
	case "created", "usage", "obfuscation":
		return true
	}
	return false
}

// Read implements rewrite.Reader.
func (r *rewriter) Read(f *rewrite.Frame) bool {
	if data := bytes.TrimSpace(f.Data); string(data) == "[DONE]" {
		f.FinishAll()
		return true
	}
	failed := false
	r.chosen, r.spans = r.chosen[:0], r.spans[:0]
	s := &r.scan
	s.Reset(f.Data)
	for key := range s.Object() {
		switch string(key) {
		case "choices":
			for i := range s.Array() {
				start := s.Pos()
				r.chosen = append(r.chosen, readChosen(f.Data, s, i))
				r.spans = append(r.spans, llm.Span{Start: start, End: s.Offset()})
			}
		case "error":
			failed = s.Kind() != jsonscan.Null
		}
	}
	if s.End() != nil {
		return false
	}
	for i, at := range r.chosen {
		r.choice(f, at, r.spans[i])
	}
	if failed {
		f.FinishAll()
	}
	return true
}

func (r *rewriter) choice(f *rewrite.Frame, at chosen, span llm.Span) {
	own, echo := at.read(f.Data, r.whole)
	m := &r.said
	*m = message{rewriter: r, f: f, group: int64(at.index)}
	m.read(own)
	if m.says {
		f.Turn(m.group)
	}
	m.echo = true
	m.read(echo)
	for _, t := range at.tokens {
		f.Tokens(span, t, "null")
	}
	if finish := hold.In(f.Data, at.finish); len(finish) > 2 && finish[0] == '"' {
		f.Finish(m.group)
	}
}

// message is a delta, or a whole message, that is being read.
type message struct {
	*rewriter
	f     *rewrite.Frame
	group int64 // the choice
	echo  bool  // it is a copy beside the delta of all that came
	says  bool
}

func (m *message) text(field byte, part int64) {
	at := hold.Value(m.f.Data, &m.inner)
	kind := wire.TextReasoning
	if field == textContent || field == textRefusal {
		kind = wire.TextAnswer
	}
	if m.echo {
		m.f.Whole(kind, at)
		return
	}
	if m.f.Delta(rewrite.Key{Group: m.group, Part: part, Field: field}, kind, at) {
		m.says = true
	}
}

func (m *message) read(at llm.Span) {
	if at.End-at.Start <= len(`{}`) {
		return
	}
	s := &m.inner
	s.Reset(m.f.Data)
	s.Seek(at.Start)
	for key := range s.Object() {
		switch string(key) {
		case "content":
			m.content(s)
		case "reasoning_content":
			m.text(textReasoningContent, 0)
		case "reasoning":
			m.text(textReasoning, 0)
		case "thinking":
			m.text(textThinking, 0)
		case "refusal":
			m.text(textRefusal, 0)
		case "reasoning_details":
			m.details(s)
		case "tool_calls":
			for range s.Array() {
				p, args := readCall(m.f.Data, s)
				m.call(p, args)
			}
		case "function_call":
			if s.Kind() == jsonscan.Object {
				p := part{index: unknown, kind: kindLegacy}
				args := p.placed(m.f.Data, s)
				m.says = true
				m.arguments(rewrite.Key{Group: m.group, Field: textLegacy}, args)
			}
		}
	}
}

// content reads a string, or the parts that Mistral has there.
func (m *message) content(s *jsonscan.Scanner) {
	if s.Kind() != jsonscan.Array {
		m.text(textContent, 0)
		return
	}
	for range s.Array() {
		if s.Kind() == jsonscan.String {
			m.text(textContent, 0)
			continue
		}
		for key := range s.Object() {
			switch string(key) {
			case "text":
				m.text(textContent, 0)
			case "refusal":
				m.text(textRefusal, 0)
			case "thinking":
				if s.Kind() == jsonscan.String {
					m.text(textThinking, 0)
					continue
				}
				for range s.Array() {
					for key := range s.Object() {
						if string(key) == "text" {
							m.text(textThinking, 0)
						}
					}
				}
			}
		}
	}
}

// details reads OpenRouter's reasoning_details. Their texts belong together by
// their index.
func (m *message) details(s *jsonscan.Scanner) {
	for i := range s.Array() {
		index := int64(i)
		at := s.Pos()
		for key := range s.Object() {
			if string(key) == "index" {
				if n, ok := s.Int(); ok {
					index = n
				}
			}
		}
		if s.Err() != nil {
			return
		}
		after := *s
		s.Seek(at)
		for key := range s.Object() {
			switch string(key) {
			case "text":
				m.text(textDetails, index)
			case "summary":
				m.text(textSummaries, index)
			}
		}
		*s = after
	}
}

// readCall is readPart, and tells where the arguments stand.
func readCall(data []byte, s *jsonscan.Scanner) (p part, args llm.Span) {
	p = part{index: unknown}
	for key := range s.Object() {
		switch string(key) {
		case "index":
			if n, ok := s.Int(); ok && n >= 0 && n == int64(int(n)) {
				p.index = int(n)
			}
		case "id":
			p.id = text(s.Raw())
		case "function":
			args = p.placed(data, s)
		case "custom":
			p.kind = kindCustom
			args = p.placed(data, s)
		case "type":
			if string(s.Raw()) == `"custom"` {
				p.kind = kindCustom
			}
		}
	}
	return p, args
}

// placed is function, and tells where the arguments stand.
func (p *part) placed(data []byte, s *jsonscan.Scanner) (args llm.Span) {
	for key := range s.Object() {
		switch string(key) {
		case "name":
			p.name = text(s.Raw())
		case "arguments", "input":
			args = hold.Value(data, s)
			p.args = hold.In(data, args)
		}
	}
	return args
}

// call reads a part of a call. Whose it is the decoder's fold tells.
func (m *message) call(p part, args llm.Span) {
	if m.echo {
		m.f.Value(args)
		return
	}
	m.says = true
	if p.index == unknown || p.name != nil {
		m.f.Unlike()
	}
	alone := p.index == unknown && p.name != nil && jsonscan.Check([]byte(fold.String(p.args))) == nil
	if p.index != unknown {
		p.args = nil // it is found without them
	}
	if m.st == nil {
		m.st = newStream(0)
	}
	c := m.st.at(int(m.group))
	if c == nil {
		return
	}
	i, before := c.find(p), len(c.calls)
	if m.st.fold(c, p); i == unknown {
		if i = before; len(c.calls) == before {
			return
		}
		if i > 0 && c.calls[i-1].index == p.index { // a later part would be the new one's
			m.f.End(rewrite.Key{Group: m.group, Part: int64(i - 1), Field: textArguments})
		}
	}
	if alone { // a made part could not say whose it is
		m.f.Value(args)
		return
	}
	m.arguments(rewrite.Key{Group: m.group, Part: int64(i), Field: textArguments}, args)
}

func (m *message) arguments(key rewrite.Key, args llm.Span) {
	if args.End > 0 && m.f.Data[args.Start] == '"' {
		m.f.Delta(key, wire.TextArguments, args)
		return
	}
	m.f.Value(args)
}
