package record

import (
	"bytes"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// Direction says who sent a message of an upgraded connection.
type Direction int

// The directions.
const (
	FromClient Direction = iota
	FromProvider
)

// Message tells that a whole message has passed on a connection that became a
// WebSocket. It copies what it keeps: messages are kept one a line, the client's
// as the request's body and the provider's as the response's. Line feeds inside
// JSON are white space, so a message that has some is written on one line.
func (x *Exchange) Message(from Direction, m []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	now := time.Now()
	line := append(bytes.ReplaceAll(bytes.ReplaceAll(m, []byte("\r\n"), []byte(" ")), []byte("\n"), []byte(" ")), '\n')
	if from == FromClient {
		x.request.Size += int64(len(m))
		x.i.RequestBytes += int64(len(m))
		if int64(len(x.request.Data)+len(line)) > x.rec.opts.MaxBody {
			x.request.Truncated = true
			return
		}
		x.request.Data = append(x.request.Data, line...)
		if x.i.RequestModel == "" && x.format != nil {
			x.guard("a message", func() {
				asked := x.asks(line)
				x.surface(&asked)
			})
		}
		return
	}
	if x.i.ResponseBytes == 0 {
		x.i.Timing.FirstByteMS = llm.MillisOf(now.Sub(x.start))
	}
	x.i.ResponseBytes += int64(len(m))
	x.arrived(now)
	if int64(len(x.resp)+len(line)) > x.rec.opts.MaxBody {
		x.truncated = true
	} else {
		x.resp = append(x.resp, line...)
	}
	if x.stream == nil || x.broken {
		return
	}
	x.guard("a message", func() {
		f, ok := x.alike.Match(line)
		if !ok || len(f.Raw) != len(line) {
			x.alike.Forget()
			f = sse.Frame{Raw: line, Data: line[:len(line)-1]}
		}
		d := x.stream.Frame(f)
		if text := x.stream.Adds(); text != nil && f.Class == 0 {
			x.alike.Learn(f, text, wire.Idle)
		}
		x.meant(d, now)
		if d.Terminal {
			// The connection may carry another answer: this one is summed up.
			x.earlier = merge(x.earlier, x.stream.End())
			x.stream = x.format.NewStream(x.rec.opts.MaxText)
			x.sentText, x.sentThink, x.finished = 0, 0, 0
		}
	})
	x.progress(now)
}

// asks reads the surface of a client's message: a request, or an event with the
// request in its member "response".
func (x *Exchange) asks(m []byte) wire.Request {
	r := x.format.Scan(m)
	if r.Model != "" {
		return r
	}
	s := jsonscan.New(m)
	for key := range s.Object() {
		if string(key) == "response" {
			return x.format.Scan(s.Raw())
		}
	}
	return r
}

// merge sums up two answers that came one after the other.
func merge(a, b llm.Answer) llm.Answer {
	if a.ID == "" && len(a.Choices) == 0 && a.Usage == nil && a.Error == nil {
		return b
	}
	if b.ID == "" && len(b.Choices) == 0 && b.Usage == nil && b.Error == nil {
		return a
	}
	out := b
	out.Choices = []llm.Choice{{Text: a.Text() + b.Text()}}
	out.Reasoning = a.Reasoning + b.Reasoning
	out.ToolCalls = append(a.ToolCalls, b.ToolCalls...)
	out.FinishReasons = append(a.FinishReasons, b.FinishReasons...)
	out.Truncated = a.Truncated || b.Truncated
	switch {
	case b.Usage == nil:
		out.Usage = a.Usage
	case a.Usage != nil:
		sum := *b.Usage
		for _, c := range []struct{ to, from **int64 }{
			{&sum.InputTokens, &a.Usage.InputTokens}, {&sum.OutputTokens, &a.Usage.OutputTokens},
			{&sum.CacheReadTokens, &a.Usage.CacheReadTokens}, {&sum.CacheWriteTokens, &a.Usage.CacheWriteTokens},
			{&sum.ReasoningTokens, &a.Usage.ReasoningTokens},
		} {
			if *c.from != nil {
				n := **c.from
				if *c.to != nil {
					n += **c.to
				}
				*c.to = &n
			}
		}
		out.Usage = &sum
	}
	return out
}
