package proxy

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/provider"
	"github.com/archestra-ai/archestra-cli/pkg/record"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
)

// Answers of APIs that are not observed pass as they come: the results of batches,
// lists of what a provider keeps, and every API that is newer than this program. What
// looks like a tool call in them is put into the record, with what the rules say of it.

// unobserved has the calls of such an answer recorded.
func (x *exchange) unobserved() {
	x.record.Calls(firstCalls)
	x.record.Judged(nil, func(a *llm.Answer) ([]llm.Finding, []string) {
		x.judge.Passed(a)
		return x.judge.Findings(), x.judge.Notes()
	})
}

// maxForeign bounds the calls that are listed of one answer: the results of a batch
// may hold any number.
const maxForeign = 100

// firstCalls finds the first calls in a body.
func firstCalls(body []byte) []llm.ToolCall { return foreignCalls(body, maxForeign) }

// foreignCalls finds calls in a body: JSON, a JSON text on each line, or server-sent
// events.
func foreignCalls(body []byte, most int) []llm.ToolCall {
	head := bytes.TrimLeft(body, "\ufeff \t\r\n")
	if len(head) == 0 || !mayCall(body) {
		return nil
	}
	var f foreign
	var out []llm.ToolCall
	seen := map[string]bool{}
	read := func(text []byte) (more bool) {
		for _, c := range f.read(text).calls {
			// A call comes again where it ends, and with the whole answer.
			key := c.ID + "\x00" + c.Name + "\x00" + string(c.Arguments) + c.ArgumentsText
			if !seen[key] && len(out) < most {
				seen[key] = true
				out = append(out, c)
			}
		}
		return len(out) < most
	}
	switch {
	case head[0] != '{' && head[0] != '[':
		framer := sse.NewEvents(len(body) + 1)
		framer.Write(body)
		framer.Close()
		for e, ok := framer.Next(); ok && (e.Err != nil || read(e.Data)); e, ok = framer.Next() {
		}
	case jsonscan.Check(head) == nil:
		read(head)
	default:
		for line := range bytes.Lines(head) {
			if !read(line) {
				break
			}
		}
	}
	return out
}

// holdUnobserved takes the way back where calls of what is not observed are judged
// before they pass. It returns nil where bytes pass as they are.
func (p *Proxy) holdUnobserved(x *exchange, res *http.Response, r *relay) (io.ReadCloser, error) {
	if !x.judge.RefusesUnobserved() || res.StatusCode >= http.StatusMultipleChoices || res.StatusCode == http.StatusNoContent || res.Request.Method == http.MethodHead {
		return nil, nil
	}
	media, _, _ := strings.Cut(strings.ToLower(r.contentType), ";")
	encoding := res.Header.Get("Content-Encoding")
	switch kind, _, _ := strings.Cut(media, "/"); {
	case kind == "image" || kind == "audio" || kind == "video":
		return nil, nil
	case strings.TrimSpace(media) == "text/event-stream" && record.Identity(encoding):
		res.Header.Del("Content-Length")
		undigest(res.Header)
		res.ContentLength = -1
		return &heldEvents{relay: r, foreign: foreign{limit: p.opts.MaxFrame}, framer: sse.NewEvents(p.opts.MaxFrame)}, nil
	}
	r.watch.start()
	raw, err := p.readWhole(x, r)
	r.watch.stop()
	if err != nil {
		return nil, err
	}
	plain, err := record.Decode(raw, encoding, p.maxJudged())
	if err != nil {
		return nil, p.unjudged(x, err)
	}
	if stopped := x.judge.Stopped(foreignCalls(plain, math.MaxInt)); stopped != nil {
		return nil, x.refusedCall(stopped)
	}
	return &judged{relay: r, out: raw}, nil
}

// refusedCall is why an answer that is not observed does not pass.
func (x *exchange) refusedCall(c *llm.ToolCall) error {
	x.record.Finding(llm.Finding{Kind: "tool_call", Detector: c.Rule, Where: "the call of " + strconv.QuoteToGraphic(c.Name), Action: string(llm.ActionBlock)})
	return &provider.Error{Status: http.StatusForbidden, Code: "refused_by_rules", Format: x.target.Format,
		Message: "The answer was not let through: it calls " + strconv.QuoteToGraphic(c.Name) + ", and rule " + c.Rule + " says: " + c.Reason +
			". What was said before the call is not known, since this API is not observed in full; the setting unobserved: pass lets such answers through."}
}

// heldEvents is the body of a stream that is not observed. An event passes when it is
// whole, and those of a call when it has been judged.
type heldEvents struct {
	*relay
	foreign foreign
	framer  sse.Framer
	out     []byte
	buf     [4 << 10]byte
}

// Read passes what may leave.
func (h *heldEvents) Read(p []byte) (int, error) {
	for len(h.out) == 0 {
		if h.over != nil {
			return 0, h.over
		}
		if err := h.step(); err != nil {
			h.over = err
		}
	}
	n := copy(p, h.out)
	h.out = h.out[n:]
	return n, nil
}

func (h *heldEvents) step() error {
	h.out = h.out[:0]
	n, err := h.body.Read(h.buf[:])
	h.watch.come()
	if n > 0 {
		h.came = true
		h.record.Write(h.buf[:n])
		h.framer.Write(h.buf[:n])
	}
	ended := errors.Is(err, io.EOF)
	if ended {
		h.framer.Close()
	}
	for f, ok := h.framer.Next(); ok; f, ok = h.framer.Next() {
		if why := h.event(f); why != nil {
			return h.refuse(why)
		}
	}
	switch {
	case ended && h.foreign.size > 0:
		return h.refuse(&provider.Error{Status: http.StatusBadGateway, Code: "unreadable_answer", Format: h.target.Format,
			Message: "The answer ended before a tool call in it was whole."})
	case ended:
		if failed := h.record.Commit(record.End{}); failed != nil {
			return h.unrecorded(failed)
		}
		return io.EOF
	case err != nil:
		return h.broken(err)
	}
	return nil
}

// event takes an event. The error tells that the stream must not go on.
func (h *heldEvents) event(f sse.Frame) error {
	if f.Err != nil {
		return &provider.Error{Status: http.StatusBadGateway, Code: "event_too_large", Format: h.target.Format, Message: errOverlong.Error()}
	}
	m := h.foreign.read(f.Data)
	if m.piece != "" {
		if !h.foreign.hold(m.piece, f.Raw) {
			return &provider.Error{Status: http.StatusBadGateway, Code: "event_too_large", Format: h.target.Format, Message: errLongMessage.Error()}
		}
		return nil
	}
	if stopped := h.judge.Stopped(m.calls); stopped != nil {
		return h.refusedCall(stopped)
	}
	h.out = append(append(h.out, h.foreign.release(m.whole)...), f.Raw...)
	return nil
}

// refuse ends the stream: with another answer in its place where nothing of it has
// left, else with an event that says why.
func (h *heldEvents) refuse(why error) error {
	if len(h.out) == 0 {
		if err, ok := h.refused(why); ok {
			return err
		}
	}
	e := llm.Error{Source: llm.SourceArchestra, Type: "permission_error", Code: "refused_by_rules", Message: why.Error()}
	h.out = append(h.out, h.target.Format.StreamError(h.contentType, e)...)
	failed := h.record.Commit(record.End{Err: why, Error: &e})
	h.cancel(why)
	if failed != nil {
		return failed
	}
	return io.EOF
}
