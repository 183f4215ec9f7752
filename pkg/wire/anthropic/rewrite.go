package anthropic

import (
	"strconv"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/rewrite"
)

// NewRewriter implements wire.Rewriting. A text is that of a text or thinking
// block, or a tool_use block's input; it ends with its block, a thinking block's
// before its signature. What the provider's own tools are given is left.
func (format) NewRewriter(_ string, o wire.RewriteOptions) wire.Rewriter {
	return rewrite.New(&rewriter{}, hold.Events, o)
}

// Rewrite implements wire.Rewriting.
func (format) Rewrite(body []byte, o wire.RewriteOptions) []byte {
	return rewrite.Body(&rewriter{body: true}, body, o)
}

const (
	textText byte = iota
	textThinking
	textInput
)

type rewriter struct {
	body        bool
	scan, inner jsonscan.Scanner
	others      map[int64]bool // open blocks of tools that run at the provider's
}

// Keep implements rewrite.Reader.
func (*rewriter) Keep(name string, _ bool) bool { return name == "type" || name == "index" }

// Idle implements rewrite.Reader.
func (*rewriter) Idle([]byte) bool { return false }

// Read implements rewrite.Reader.
func (r *rewriter) Read(f *rewrite.Frame) bool {
	s := &r.scan
	s.Reset(f.Data)
	if r.body {
		at := s.Pos()
		if s.Skip(); s.End() != nil {
			return false
		}
		r.message(f, at)
		return true
	}
	name := f.Event
	var index int64
	var message, block, delta llm.Span
	for key := range s.Object() {
		switch string(key) {
		case "type":
			if kind := fold.Name(s.Raw()); kind != nil {
				name = kind
			}
		case "index":
			index, _ = s.Int()
		case "message":
			message = hold.Value(f.Data, s)
		case "content_block":
			block = hold.Value(f.Data, s)
		case "delta":
			delta = hold.Value(f.Data, s)
		}
	}
	if s.End() != nil {
		return false
	}
	switch string(name) {
	case "content_block_delta":
		r.delta(f, index, delta)
	case "content_block_start":
		f.Finish(index)
		r.start(f, index, block)
	case "content_block_stop":
		f.Finish(index)
		delete(r.others, index)
	case "message_start":
		r.message(f, message.Start)
	case "message_delta", "message_stop", "error":
		f.FinishAll()
	}
	return true
}

func (r *rewriter) delta(f *rewrite.Frame, index int64, at llm.Span) {
	if at.End == 0 {
		return
	}
	var kind []byte
	var text, piece llm.Span
	s := &r.inner
	s.Reset(f.Data)
	s.Seek(at.Start)
	for key := range s.Object() {
		switch string(key) {
		case "type":
			kind = fold.Name(s.Raw())
		case "text", "thinking":
			text = hold.Value(f.Data, s)
		case "partial_json":
			piece = hold.Value(f.Data, s)
		}
	}
	switch string(kind) {
	case "text_delta":
		f.Delta(rewrite.Key{Group: index, Field: textText}, wire.TextAnswer, text)
	case "thinking_delta":
		f.Delta(rewrite.Key{Group: index, Field: textThinking}, wire.TextReasoning, text)
	case "input_json_delta":
		if !r.others[index] {
			f.Delta(rewrite.Key{Group: index, Field: textInput}, wire.TextArguments, piece)
		}
	case "signature_delta":
		f.Finish(index)
	}
}

const maxOthers = 1024

// start reads the block that a content_block_start has, which is empty as a rule.
func (r *rewriter) start(f *rewrite.Frame, index int64, at llm.Span) {
	if at.End == 0 {
		return
	}
	delete(r.others, index)
	b := blockAt(f.Data, at)
	switch b.kind {
	case "text":
		begin(f, rewrite.Key{Group: index, Field: textText}, wire.TextAnswer, b.text, "text_delta", "text")
	case "thinking":
		begin(f, rewrite.Key{Group: index, Field: textThinking}, wire.TextReasoning, b.thinking, "thinking_delta", "thinking")
	case "tool_use":
		f.Value(b.input)
	default:
		if r.others == nil {
			r.others = map[int64]bool{}
		}
		if len(r.others) < maxOthers {
			r.others[index] = true
		}
	}
}

// begin tells of a text that begins in the start of its block. It goes on in deltas.
func begin(f *rewrite.Frame, key rewrite.Key, text wire.TextKind, at llm.Span, kind, member string) {
	if at.End == 0 {
		return
	}
	data := strconv.AppendInt([]byte(`{"type":"content_block_delta","index":`), key.Group, 10)
	data = append(data, `,"delta":{"type":"`+kind+`","`+member+`":""}}`...)
	end := len(data) - len(`}}`)
	t := rewrite.Template{Data: data, At: llm.Span{Start: end - len(`""`), End: end}}
	if len(f.Event) > 0 {
		t.Event = "content_block_delta"
	}
	f.Begin(key, text, at, &t)
}

// message reads the blocks of a message object, which are whole.
func (r *rewriter) message(f *rewrite.Frame, at int) {
	for _, el := range elements(f.Data, at) {
		switch b := blockAt(f.Data, el); b.kind {
		case "text":
			f.Whole(wire.TextAnswer, b.text)
		case "thinking":
			f.Whole(wire.TextReasoning, b.thinking)
		case "tool_use":
			f.Value(b.input)
		}
	}
}

// placed is where the members of a block stand.
type placed struct {
	kind                  string
	text, thinking, input llm.Span
}

func blockAt(data []byte, at llm.Span) (b placed) {
	s := jsonscan.At(data, at.Start)
	for key := range s.Object() {
		switch string(key) {
		case "type":
			b.kind = s.Text()
		case "text":
			b.text = hold.Value(data, s)
		case "thinking":
			b.thinking = hold.Value(data, s)
		case "input":
			b.input = hold.Value(data, s)
		}
	}
	return b
}
