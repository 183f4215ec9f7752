package openairesponses

import (
	"bytes"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/rewrite"
)

// NewRewriter implements wire.Rewriting. A text is that of a content or summary
// part, or a call's arguments; it ends with the first event that repeats it, with
// its item, or with the response. The events that repeat a text are edited each
// for itself. A made delta bears the sequence_number of the one before it: SDKs
// do not look at the number, and no later event has to change so. The log
// probabilities beside a changed text become empty.
func (format) NewRewriter(contentType string, o wire.RewriteOptions) wire.Rewriter {
	framing := hold.Events
	if contentType == wire.WebSocket {
		framing = hold.Messages
	}
	return rewrite.New(&rewriter{}, framing, o)
}

// Rewrite implements wire.Rewriting.
func (format) Rewrite(body []byte, o wire.RewriteOptions) []byte {
	return rewrite.Body(&rewriter{body: true}, body, o)
}

// The texts of an item beside its fields.
const (
	textArguments = byte(fields) + iota
	textInput     // of a custom tool
	textDiff      // of apply_patch
	textCommand   // of a shell
)

type rewriter struct {
	body bool
	scan jsonscan.Scanner
}

// Keep implements rewrite.Reader.
func (*rewriter) Keep(name string, _ bool) bool {
	switch name {
	case "type", "sequence_number", "item_id", "output_index", "content_index", "summary_index", "command_index", "logprobs":
		return true
	}
	return false
}

// Idle implements rewrite.Reader.
func (*rewriter) Idle(name []byte) bool {
	return string(name) == "sequence_number" || string(name) == "obfuscation"
}

// placed is where the members of an event stand.
type placed struct {
	name                                  []byte
	output, part                          int64
	delta, whole, item, content, response llm.Span
	logs                                  llm.Span
}

// Read implements rewrite.Reader.
func (r *rewriter) Read(f *rewrite.Frame) bool {
	s := &r.scan
	s.Reset(f.Data)
	if r.body {
		at := s.Pos()
		if s.Skip(); s.End() != nil {
			return false
		}
		readOutput(f, at)
		return true
	}
	p := placed{name: f.Event}
	for key := range s.Object() {
		switch string(key) {
		case "type":
			if name := fold.Name(s.Raw()); name != nil {
				p.name = name
			}
		case "output_index":
			p.output, _ = s.Int()
		case "content_index", "summary_index", "command_index":
			p.part, _ = s.Int()
		case "delta":
			p.delta = hold.Value(f.Data, s)
		case "text", "refusal", "arguments", "input", "diff", "command":
			p.whole = hold.Value(f.Data, s)
		case "item":
			p.item = hold.Value(f.Data, s)
		case "part":
			p.content = hold.Value(f.Data, s)
		case "response":
			p.response = hold.Value(f.Data, s)
		case "logprobs":
			p.logs = hold.Value(f.Data, s)
		}
	}
	if s.End() != nil {
		return false
	}
	r.event(f, &p)
	if p.logs.End-p.logs.Start > len(`[]`) && f.Data[p.logs.Start] == '[' {
		f.Tokens(llm.Span{End: len(f.Data)}, p.logs, "[]")
	}
	return true
}

func (r *rewriter) event(f *rewrite.Frame, p *placed) {
	switch string(p.name) {
	case "response.output_item.added":
		f.Finish(p.output)
		readItem(f, p.item)
	case "response.output_item.done":
		f.Finish(p.output)
		readItem(f, p.item)
	case "response.content_part.added", "response.reasoning_summary_part.added":
		readContent(f, p.content)
	case "response.content_part.done", "response.reasoning_summary_part.done":
		if field, _, ok := readPart(hold.In(f.Data, p.content)); ok {
			f.End(rewrite.Key{Group: p.output, Part: p.part, Field: byte(field)})
		}
		readContent(f, p.content)
	case "response.created", "response.in_progress", "response.queued":
		if p.response.End > 0 {
			readOutput(f, p.response.Start)
		}
	case "response.completed", "response.failed", "response.incomplete", "response.cancelled":
		f.FinishAll()
		if p.response.End > 0 {
			readOutput(f, p.response.Start)
		}
	case "error":
		f.FinishAll()
	default:
		readText(f, p)
	}
}

// readText reads the deltas of texts, and the events that repeat them.
func readText(f *rewrite.Frame, p *placed) {
	name, delta := bytes.CutSuffix(p.name, []byte(".delta"))
	if !delta {
		var done bool
		if name, done = bytes.CutSuffix(p.name, []byte(".done")); !done {
			return
		}
	}
	key := rewrite.Key{Group: p.output, Part: p.part}
	kind := wire.TextAnswer
	switch string(name) {
	case "response.output_text":
		key.Field = byte(fieldText)
	case "response.refusal":
		key.Field = byte(fieldRefusal)
	case "response.reasoning_text":
		key.Field, kind = byte(fieldReasoning), wire.TextReasoning
	case "response.reasoning_summary_text":
		key.Field, kind = byte(fieldSummary), wire.TextReasoning
	case "response.function_call_arguments":
		key.Field, kind = textArguments, wire.TextArguments
	case "response.custom_tool_call_input":
		key.Field, kind = textInput, wire.TextArguments
	case "response.apply_patch_call_operation_diff":
		key.Field, kind = textDiff, wire.TextArguments
	case "response.shell_call_command":
		key.Field, kind = textCommand, wire.TextArguments
	default:
		return
	}
	if delta {
		f.Delta(key, kind, p.delta)
		return
	}
	f.End(key)
	f.Whole(kind, p.whole)
}

// readContent reads a content or summary part.
func readContent(f *rewrite.Frame, at llm.Span) {
	if at.End == 0 {
		return
	}
	var kind []byte
	var text, refusal, logs llm.Span
	s := jsonscan.At(f.Data, at.Start)
	for key := range s.Object() {
		switch string(key) {
		case "type":
			kind = fold.Name(s.Raw())
		case "text":
			text = hold.Value(f.Data, s)
		case "refusal":
			refusal = hold.Value(f.Data, s)
		case "logprobs":
			logs = hold.Value(f.Data, s)
		}
	}
	switch string(kind) {
	case "output_text", "text":
		f.Whole(wire.TextAnswer, text)
	case "reasoning_text", "summary_text":
		f.Whole(wire.TextReasoning, text)
	case "refusal":
		f.Whole(wire.TextAnswer, refusal)
	}
	if logs.End-logs.Start > len(`[]`) && f.Data[logs.Start] == '[' {
		f.Tokens(at, logs, "[]")
	}
}

// readItem reads an output item.
func readItem(f *rewrite.Frame, at llm.Span) {
	if at.End == 0 {
		return
	}
	m := readMembers(hold.In(f.Data, at))
	_, _, _, client := m.client()
	for _, member := range hold.Members(f.Data, at.Start) {
		switch member.Name {
		case "content", "summary":
			if kind := string(m.kind); kind == "message" || kind == "reasoning" {
				readParts(f, member.Value)
			}
		case "arguments", "input", "action", "actions", "operation":
			if client {
				f.Value(member.Value)
			}
		}
	}
}

func readParts(f *rewrite.Frame, at llm.Span) {
	f.Whole(wire.TextAnswer, at) // servers that only speak the format may have a string
	for _, el := range hold.Elements(f.Data, at.Start) {
		readContent(f, el)
	}
}

// readOutput reads the output of a response object.
func readOutput(f *rewrite.Frame, at int) {
	for _, el := range output(f.Data, at) {
		readItem(f, el)
	}
}
