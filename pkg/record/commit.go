package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// End says how an exchange ended.
type End struct {
	// Cancelled tells that the client went away.
	Cancelled bool
	// Err is what broke the response off, or nil where it came to its end.
	Err error
	// Refused tells that archestra itself gave the answer, and Error why.
	Refused bool
	Error   *llm.Error
}

// Commit builds the interaction as it stands and hands it to the sink. It waits
// for the sink, at most Options.Wait. It is called before the last byte of the
// answer is released, and once more at the end if anything came after.
//
// The error is nil unless Options.FailClosed is set and the sink failed.
func (x *Exchange) Commit(end End) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended || x.committed == x.i.ResponseBytes {
		x.ended = true // nothing has come since
		return nil
	}
	x.announce()
	x.conclude(end)
	x.committed = x.i.ResponseBytes
	x.ended = !x.terminal || end.Err != nil || end.Cancelled
	kept, encoding := x.keep()
	snapshot := x.snapshot()
	entry := &Entry{
		Interaction:    snapshot,
		RequestHeader:  x.reqHdr,
		ResponseHeader: x.respHdr,
		Request:        x.request,
		Response: Body{
			Data: kept, Size: x.i.ResponseBytes,
			Encoding: encoding, Truncated: x.truncated || kept == nil && len(x.resp) > 0,
		},
		Conversation: x.conv,
		SearchText:   x.search,
	}
	err := x.put(entry)
	if !x.told {
		// What comes behind the terminal event is recorded, and news to nobody.
		x.told = true
		x.publish(llm.Event{Type: llm.EventFinished, Interaction: snapshot})
	}
	return err
}

// keep returns the response as it is kept: its own bytes, unless they repeat a
// credential. A compressed one that does is kept without its encoding.
func (x *Exchange) keep() (body []byte, encoding string) {
	body, encoding = x.scrubbed()
	if x.repeat && x.format != nil {
		split := true
		x.guard("the response that is kept", func() {
			plain, err := Decode(body, encoding, x.rec.opts.MaxDecoded)
			split = err != nil || x.split(plain)
		})
		if split {
			x.i.Notes = append(x.i.Notes, "the bytes of the response are not kept: they repeat a secret of the request, over several events")
			return nil, ""
		}
	}
	return body, encoding
}

func (x *Exchange) scrubbed() (body []byte, encoding string) {
	if x.decoded != nil {
		if clean := scrub(x.decoded, x.secret); len(clean) != len(x.decoded) || !bytes.Equal(clean, x.decoded) {
			return clean, ""
		}
		return x.resp, x.encoding
	}
	return scrub(x.resp, x.secret), x.encoding
}

func (x *Exchange) put(e *Entry) error {
	// Not the request's context: a client that goes away must not cost the record.
	err := x.rec.opts.Sink.Finish(x.rec.patience.atMost(x.rec.opts.Wait), e)
	c, log := &x.rec.Counters, x.rec.opts.Log
	switch {
	case err == nil:
		c.Recorded.Add(1)
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		c.Late.Add(1)
		log.Warn("the answer did not wait for its record any longer; it is still being written",
			"interaction", x.i.ID, "provider", x.i.Provider, "profile", x.i.Profile, "waited", x.rec.opts.Wait)
	default:
		c.Failed.Add(1)
		log.Error("an exchange could not be recorded",
			"interaction", x.i.ID, "provider", x.i.Provider, "profile", x.i.Profile, "error", err)
	}
	if x.rec.opts.FailClosed {
		return fmt.Errorf("record interaction %s: %w", x.i.ID, err)
	}
	return nil
}

// conclude settles the state and all that follows from the whole answer.
func (x *Exchange) conclude(end End) {
	now := time.Now()
	at := now.UTC()
	x.i.FinishedAt = &at
	x.i.DurationMS = llm.MillisOf(now.Sub(x.start))
	if end.Refused {
		x.i.State, x.i.Error = llm.StateRefused, end.Error
		return
	}
	answer := x.answer()
	if x.judge != nil {
		x.guard("the verdicts", func() {
			findings, notes := x.judge(&answer)
			for _, f := range findings {
				f.Where = scrubText(f.Where, x.secret) // a link's host may be made of one
				x.i.Findings = append(x.i.Findings, f)
			}
			for _, n := range notes {
				x.i.Notes = append(x.i.Notes, scrubText(n, x.secret))
			}
		})
	}
	x.fill(answer)
	x.countOnce()
	if x.i.Stream {
		x.i.Timing.Arrivals = x.arrivals.marks()
	}
	x.i.State = x.state(answer, end)
	if x.rec.opts.Pricer != nil && x.i.Usage != nil {
		x.guard("the price", func() {
			if cost, ok := x.rec.opts.Pricer.Cost(&x.i); ok {
				x.i.CostUSD = &cost
			}
		})
	}
}

// answer decodes the answer: from the stream that was followed, or from the
// body as kept.
func (x *Exchange) answer() llm.Answer {
	var a llm.Answer
	if x.format == nil && !Identity(x.encoding) && len(x.secret) > 0 {
		// Opaque, and perhaps repeating a credential: an error leaves the bytes as they are.
		x.decoded, _ = Decode(x.resp, x.encoding, x.rec.opts.MaxDecoded)
	}
	if x.format == nil && x.calls != nil && x.i.Status >= 200 && x.i.Status < 300 {
		x.guard("the calls of the response", func() {
			// What cannot be decoded is looked at as far as it can.
			plain, _ := Decode(x.resp, x.encoding, x.rec.opts.MaxDecoded)
			a.ToolCalls = x.calls(plain)
		})
	}
	if x.format == nil || x.i.Status == 0 || x.broken {
		return a
	}
	x.guard("the response", func() {
		if x.stream != nil {
			if !x.terminal && x.framer != nil {
				x.framer.Close()
				x.drain(time.Now())
			}
			a = x.stream.End()
			if x.i.Status == http.StatusSwitchingProtocols {
				a = merge(x.earlier, a)
			}
			return
		}
		body, err := Decode(x.resp, x.encoding, x.rec.opts.MaxDecoded)
		if err != nil && x.i.ResponseBytes > 0 {
			x.i.Notes = append(x.i.Notes, "the response body could not be decompressed: "+err.Error())
		}
		if !Identity(x.encoding) {
			x.decoded = body
		}
		framer := x.newFramer()
		if framer == nil || x.i.Status >= http.StatusBadRequest {
			a = x.format.Answer(x.i.Status, body)
			return
		}
		// A compressed stream: followed at its end. Its first token came with
		// its first byte or later; the first byte is the nearest that is known.
		stream := x.format.NewStream(x.rec.opts.MaxText)
		framer.Write(body)
		framer.Close()
		for f, ok := framer.Next(); ok; f, ok = framer.Next() {
			if d := stream.Frame(f); d.Token && x.i.TTFTMS == nil && x.i.Timing.FirstByteMS != nil {
				x.i.TTFTMS = x.i.Timing.FirstByteMS
				first := x.start.Add(x.i.TTFTMS.Duration()).UTC()
				x.i.FirstTokenAt = &first
			}
		}
		a = stream.End()
	})
	return a
}

func (x *Exchange) fill(a llm.Answer) {
	x.repeat = x.holds(&a)
	if x.stream == nil && x.i.TTFTMS == nil && a.Error == nil && len(a.Choices) > 0 && x.i.Timing.FirstByteMS != nil {
		// Of an answer that comes whole, the first token is its first byte.
		x.i.TTFTMS = x.i.Timing.FirstByteMS
		first := x.start.Add(x.i.TTFTMS.Duration()).UTC()
		x.i.FirstTokenAt = &first
	}
	if a.Model != "" {
		x.i.Model = a.Model
	}
	x.i.ResponseID = a.ID
	x.i.FinishReasons = a.FinishReasons
	if !slices.ContainsFunc(a.FinishReasons, func(r string) bool { return r != "" }) {
		x.i.FinishReasons = nil
	}
	x.i.Usage = a.Usage
	x.i.Text = scrubText(a.Text(), x.secret)
	x.i.Reasoning = scrubText(a.Reasoning, x.secret)
	x.i.Refusal = scrubText(a.Refusal, x.secret)
	x.i.Choices = a.Choices
	x.i.ToolCalls = a.ToolCalls
	x.i.Error = a.Error
	if len(x.secret) > 0 {
		for k := range x.i.Choices {
			x.i.Choices[k].Text = scrubText(x.i.Choices[k].Text, x.secret)
		}
		for k := range x.i.ToolCalls {
			c := &x.i.ToolCalls[k]
			c.Arguments, c.ArgumentsText = scrub(c.Arguments, x.secret), scrubText(c.ArgumentsText, x.secret)
			c.Reason, c.Facts = scrubText(c.Reason, x.secret), scrub(c.Facts, x.secret)
			c.Accept, c.Path = scrubText(c.Accept, x.secret), scrubText(c.Path, x.secret)
		}
		if x.i.Error != nil {
			x.i.Error.Message = scrubText(x.i.Error.Message, x.secret)
		}
	}
	if a.Truncated {
		x.i.Notes = append(x.i.Notes, "the text was longer than what is kept")
	}
}

func (x *Exchange) state(a llm.Answer, end End) llm.State {
	if end.Error != nil {
		x.i.Error = end.Error
	}
	switch {
	case x.i.Status == 0:
		if end.Cancelled {
			return llm.StateCancelled
		}
		return llm.StateFailed
	case x.i.Status >= http.StatusBadRequest:
		if x.i.Error == nil {
			x.i.Error = &llm.Error{Source: llm.SourceUpstream, Message: http.StatusText(x.i.Status)}
		}
		return llm.StateFailed
	case a.Error != nil:
		return llm.StateFailed
	case x.format != nil && x.i.Status >= 300 && x.i.Status < 400 && x.i.Status != http.StatusNotModified:
		x.i.Error = &llm.Error{Source: llm.SourceUpstream, Type: "redirect", Message: "the provider answered with a redirect, which archestra does not follow"}
		return llm.StateFailed
	case end.Cancelled && x.committed < 0 && x.i.Status != http.StatusSwitchingProtocols:
		// However much of it had come: it was held back, and its end did not reach the client.
		return llm.StateCancelled
	case x.i.Status == http.StatusSwitchingProtocols && end.Err == nil && !end.Cancelled, a.Complete && end.Err == nil, x.terminal:
		return llm.StateDone
	case end.Cancelled:
		return llm.StateCancelled
	case end.Err != nil:
		x.i.Notes = append(x.i.Notes, "the provider's answer broke off")
		return llm.StateIncomplete
	case x.format == nil:
		return llm.StateDone
	case x.i.ResponseBytes == 0 && x.i.Status != http.StatusNoContent:
		x.i.Notes = append(x.i.Notes, "the provider answered with success and nothing else")
		return llm.StateIncomplete
	case x.broken:
		return llm.StateDone
	}
	return llm.StateIncomplete
}

// Cancel records that the client went away before there was an answer.
func (x *Exchange) Cancel() error { return x.Commit(End{Cancelled: true}) }

// Fail records an answer that archestra gave because the provider could not be
// asked, or did not answer.
func (x *Exchange) Fail(status int, e *llm.Error, body []byte) error {
	x.own(status, body)
	return x.Commit(End{Error: e})
}

// Refuse records an answer that archestra gave instead of asking the provider.
func (x *Exchange) Refuse(status int, e *llm.Error, body []byte) error {
	x.own(status, body)
	return x.Commit(End{Refused: true, Error: e})
}

// own makes the response archestra's: there is nothing to decode in it.
func (x *Exchange) own(status int, body []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.i.Status, x.i.Stream = status, false
	x.resp = append(x.resp[:0], body...)
	x.i.ResponseBytes = int64(len(body))
	x.format, x.encoding = nil, ""
}
