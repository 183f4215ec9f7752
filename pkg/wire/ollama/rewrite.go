package ollama

import (
	"bytes"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/hold"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/rewrite"
)

// NewRewriter implements wire.Rewriting. A text is the message's content or
// thinking, or those of a generated response; it ends where the other goes on,
// with a call, or with the line that is done. Arguments come whole.
func (format) NewRewriter(_ string, o wire.RewriteOptions) wire.Rewriter {
	return rewrite.New(&rewriter{}, hold.Lines, o)
}

// Rewrite implements wire.Rewriting. Like Answer it reads a body that is not one
// value as the lines of a stream.
func (f format) Rewrite(body []byte, o wire.RewriteOptions) []byte {
	s := jsonscan.New(body)
	s.Skip()
	if s.End() == nil {
		return rewrite.Body(&rewriter{}, body, o)
	}
	r := f.NewRewriter("", o)
	lines := sse.NewLines(0)
	lines.Write(body)
	lines.Close()
	var out []byte
	for frame, ok := lines.Next(); ok; frame, ok = lines.Next() {
		out = append(out, r.Frame(frame)...)
	}
	if out = append(out, r.Close()...); bytes.Equal(out, body) {
		return body
	}
	return out
}

const (
	textContent byte = iota
	textThinking
	textResponse // of /api/generate
	textThoughts
)

type rewriter struct {
	scan jsonscan.Scanner
	says bool
}

// Keep implements rewrite.Reader.
func (*rewriter) Keep(name string, _ bool) bool {
	return name == "model" || name == "created_at" || name == "role" || name == "done"
}

// Idle implements rewrite.Reader.
func (*rewriter) Idle(name []byte) bool { return string(name) == "created_at" }

// Read implements rewrite.Reader.
func (r *rewriter) Read(f *rewrite.Frame) bool {
	r.says = false
	done := false
	s := &r.scan
	s.Reset(f.Data)
	for key := range s.Object() {
		switch string(key) {
		case "message":
			for key := range s.Object() {
				switch string(key) {
				case "content":
					r.text(f, textContent)
				case "thinking":
					r.text(f, textThinking)
				case "tool_calls":
					r.calls(f)
				}
			}
		case "response":
			r.text(f, textResponse)
		case "thinking":
			r.text(f, textThoughts)
		case "tool_calls":
			r.calls(f)
		case "done":
			done, _ = s.Bool()
		case "error":
			done = s.Kind() != jsonscan.Null
		}
	}
	if s.End() != nil {
		return false
	}
	if r.says {
		f.Turn(0)
	}
	if done {
		f.FinishAll()
	}
	return true
}

func (r *rewriter) text(f *rewrite.Frame, field byte) {
	kind := wire.TextAnswer
	if field == textThinking || field == textThoughts {
		kind = wire.TextReasoning
	}
	if f.Delta(rewrite.Key{Field: field}, kind, hold.Value(f.Data, &r.scan)) {
		r.says = true
	}
}

func (r *rewriter) calls(f *rewrite.Frame) {
	s := &r.scan
	for range s.Array() {
		r.says = true
		for key := range s.Object() {
			if string(key) != "function" {
				continue
			}
			for key := range s.Object() {
				if string(key) == "arguments" {
					f.Value(hold.Value(f.Data, s))
				}
			}
		}
	}
}
