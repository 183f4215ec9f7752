package gemini

import (
	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/rewrite"
)

// NewRewriter implements wire.Rewriting. A text is that of a candidate's text
// parts, or of its thoughts; it ends where the candidate goes on with something
// else, or ends. Arguments come whole, or, as Vertex AI streams them, as strings
// of their own. The log probabilities beside a changed text become empty.
func (format) NewRewriter(contentType string, o wire.RewriteOptions) wire.Rewriter {
	framing := hold.Array
	if mediaType(contentType) == "text/event-stream" {
		framing = hold.Events
	}
	return rewrite.New(&rewriter{}, framing, o)
}

// Rewrite implements wire.Rewriting.
func (format) Rewrite(body []byte, o wire.RewriteOptions) []byte {
	return rewrite.Body(&rewriter{}, body, o)
}

const (
	textParts byte = iota
	textThoughts
	textStrings // of arguments that are streamed
)

type rewriter struct {
	scan, inner jsonscan.Scanner

	path string // of the string of a call's arguments that came last
}

// Keep implements rewrite.Reader. A thought's signature, a call's name and the
// counts are not said twice.
func (*rewriter) Keep(name string, _ bool) bool {
	switch name {
	case "modelVersion", "responseId", "createTime", "role", "index", "thought", "jsonPath", "willContinue":
		return true
	}
	return false
}

// Idle implements rewrite.Reader.
func (*rewriter) Idle(name []byte) bool { return string(name) == "usageMetadata" }

// Read implements rewrite.Reader.
func (r *rewriter) Read(f *rewrite.Frame) bool {
	s := &r.scan
	s.Reset(f.Data)
	kind := s.Kind()
	if s.Skip(); s.End() != nil {
		return false
	}
	s.Reset(f.Data)
	if kind != jsonscan.Array {
		r.chunk(f)
		return true
	}
	for range s.Array() {
		r.chunk(f)
	}
	return true
}

// chunk reads the next value, a GenerateContentResponse.
func (r *rewriter) chunk(f *rewrite.Frame) {
	for key := range r.scan.Object() {
		switch string(key) {
		case "candidates":
			for range r.scan.Array() {
				r.candidate(f)
			}
		case "error":
			f.FinishAll()
		}
	}
}

func (r *rewriter) candidate(f *rewrite.Frame) {
	s := &r.scan
	var index int64
	var content, logs llm.Span
	var finish []byte
	start := s.Pos()
	for key := range s.Object() {
		switch string(key) {
		case "content":
			content = hold.Value(f.Data, s)
		case "index":
			index, _ = s.Int()
		case "finishReason":
			finish = s.Raw()
		case "logprobsResult":
			logs = hold.Value(f.Data, s)
		}
	}
	if content.End > 0 && r.content(f, index, content) {
		f.Turn(index)
	}
	if logs.End > 0 {
		f.Tokens(llm.Span{Start: start, End: s.Offset()}, logs, "{}")
	}
	if fold.Word(finish) != "" {
		f.Finish(index)
	}
}

// content reads the parts of a candidate, and reports whether they say anything.
func (r *rewriter) content(f *rewrite.Frame, index int64, at llm.Span) (says bool) {
	s := &r.inner
	s.Reset(f.Data)
	s.Seek(at.Start)
	for key := range s.Object() {
		if string(key) != "parts" {
			continue
		}
		for range s.Array() {
			says = r.part(f, index) || says
		}
	}
	return says
}

func (r *rewriter) part(f *rewrite.Frame, index int64) (says bool) {
	s := &r.inner
	var text, call llm.Span
	thought := false
	for key := range s.Object() {
		switch string(key) {
		case "text":
			text = hold.Value(f.Data, s)
		case "thought":
			thought, _ = s.Bool()
		case "functionCall":
			call = hold.Value(f.Data, s)
		case "executableCode", "codeExecutionResult", "inlineData", "fileData", "toolCall", "toolResponse":
			says = true
		}
	}
	if text.End > 0 {
		key, kind := rewrite.Key{Group: index, Field: textParts}, wire.TextAnswer
		if thought {
			key.Field, kind = textThoughts, wire.TextReasoning
		}
		says = f.Delta(key, kind, text) || says
	}
	if !fold.IsNull(hold.In(f.Data, call)) {
		says = true
		r.call(f, index, call)
	}
	return says
}

func (r *rewriter) call(f *rewrite.Frame, index int64, at llm.Span) {
	s := jsonscan.At(f.Data, at.Start)
	for key := range s.Object() {
		switch string(key) {
		case "args":
			f.Value(hold.Value(f.Data, s))
		case "partialArgs":
			for range s.Array() {
				r.piece(f, index, s)
			}
		}
	}
}

// piece reads an element of partialArgs. A string comes in several, of which all
// but the last have willContinue.
func (r *rewriter) piece(f *rewrite.Frame, index int64, s *jsonscan.Scanner) {
	var path string
	var value llm.Span
	more := false
	for key := range s.Object() {
		switch string(key) {
		case "jsonPath":
			path = s.Text()
		case "stringValue":
			value = hold.Value(f.Data, s)
		case "willContinue":
			more, _ = s.Bool()
		}
	}
	key := rewrite.Key{Group: index, Field: textStrings}
	if path != r.path {
		f.End(key)
		r.path = path
	}
	f.Unlike()
	f.Piece(key, value)
	if !more {
		f.End(key)
	}
}
