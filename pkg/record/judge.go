package record

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
)

// Tap is told that the response is followed as a stream of that media type, and
// returns what is shown each of its frames, or nil. Neither may call the exchange.
type Tap func(media string) func(sse.Frame)

// Judge is shown the answer before it is recorded. It puts verdicts on its tool
// calls, and returns what else the record should say. It must not call the
// exchange.
type Judge func(a *llm.Answer) (findings []llm.Finding, notes []string)

// Judged says who looks at the answer beside the record. It is called before
// Response; either may be nil.
func (x *Exchange) Judged(tap Tap, judge Judge) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.tap, x.judge = tap, judge
}

// Calls says how the tool calls are found in an answer of an API that is not observed,
// which is then shown to the Judge with nothing else in it. It is called before
// Response.
func (x *Exchange) Calls(find func(plain []byte) []llm.ToolCall) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.calls = find
}

// Following tells whether the response is a stream that is followed, and sure
// whether that is settled: of a response that does not say what it is the first
// bytes do.
func (x *Exchange) Following() (yes, sure bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.framer != nil && !x.broken, !x.unsure
}

// Broken tells that the response cannot be followed, for a defect of archestra.
func (x *Exchange) Broken() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.broken
}

// Conceal keeps values out of the record, wherever they come up.
func (x *Exchange) Conceal(values ...string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, v := range values {
		if slices.Contains(x.hidden, v) {
			continue
		}
		x.hidden = append(x.hidden, spellings(v)...)
	}
	for _, v := range x.hidden {
		if !slices.Contains(x.secret, v) {
			x.secret = append(x.secret, v)
		}
	}
	// A spelling that begins another one must not be cut out of it first.
	slices.SortStableFunc(x.secret, func(a, b string) int { return len(b) - len(a) })
}

// holds tells whether an answer repeats a secret of the request.
func (x *Exchange) holds(a *llm.Answer) bool {
	in := func(text string) bool {
		return slices.ContainsFunc(x.hidden, func(v string) bool { return strings.Contains(text, v) })
	}
	if len(x.hidden) == 0 {
		return false
	}
	for i := range a.Choices {
		if in(a.Choices[i].Text) {
			return true
		}
	}
	for i := range a.ToolCalls {
		if c := &a.ToolCalls[i]; in(string(c.Arguments)) || in(c.ArgumentsText) {
			return true
		}
	}
	return in(a.Reasoning) || in(a.Refusal)
}

// split tells whether a response as it is to be kept still spells a secret: over
// several events, each of which holds a piece.
func (x *Exchange) split(kept []byte) (yes bool) {
	framer := x.newFramer()
	if framer == nil {
		a := x.format.Answer(x.i.Status, kept)
		return x.holds(&a)
	}
	stream := x.format.NewStream(x.rec.opts.MaxText)
	framer.Write(kept)
	framer.Close()
	for f, ok := framer.Next(); ok; f, ok = framer.Next() {
		stream.Frame(f)
	}
	a := stream.End()
	return x.holds(&a)
}

// spellings are a text as it is, in a JSON string, and in JSON inside of a JSON
// string, with the escapes that writers of JSON are known to make: those that must
// be, those of Go (<, > and &), in ASCII alone (Python), and slashes (PHP).
func spellings(text string) []string {
	list := []string{text}
	add := func(forms []string) {
		for _, form := range forms {
			if !slices.Contains(list, form) {
				list = append(list, form)
			}
		}
	}
	once := escaped(text)
	add(once)
	for _, form := range once {
		add(escaped(form))
	}
	return list
}

// escaped spells a text as it stands in a JSON string.
func escaped(text string) []string {
	least := unquoted(jsonscan.AppendString(nil, text))
	list := []string{least}
	if lit, err := json.Marshal(text); err == nil {
		list = append(list, unquoted(lit))
	}
	ascii := inASCII(least)
	return append(list, ascii, strings.ReplaceAll(least, "/", `\/`), strings.ReplaceAll(ascii, "/", `\/`))
}

// inASCII escapes what is not ASCII.
func inASCII(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r < utf8.RuneSelf {
			b.WriteByte(byte(r))
			continue
		}
		for _, u := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, u)
		}
	}
	return b.String()
}

func unquoted(lit []byte) string { return string(lit[1 : len(lit)-1]) }

// Hide returns a call without the secrets of its request.
func (x *Exchange) Hide(c llm.ToolCall) llm.ToolCall {
	x.mu.Lock()
	defer x.mu.Unlock()
	c.Arguments, c.ArgumentsText = scrub(c.Arguments, x.secret), scrubText(c.ArgumentsText, x.secret)
	return c
}

// Held tells that a call waits for a person.
func (x *Exchange) Held(a llm.Ask) { x.ask(llm.EventHeld, a, 1) }

// Settled tells how a question was answered.
func (x *Exchange) Settled(a llm.Ask) { x.ask(llm.EventVerdict, a, -1) }

func (x *Exchange) ask(t llm.EventType, a llm.Ask, n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.told {
		return
	}
	if x.asked += n; x.asked > 0 {
		x.i.State = llm.StateHeld
	} else {
		x.i.State = llm.StateStreaming
	}
	x.publish(llm.Event{Type: t, Interaction: x.snapshot(), Ask: &a})
}

// Verdict tells live how a call was judged.
func (x *Exchange) Verdict(c llm.ToolCall) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.told || !x.watched() {
		return
	}
	c.Arguments, c.ArgumentsText = scrub(c.Arguments, x.secret), scrubText(c.ArgumentsText, x.secret)
	c.Reason, c.Facts = scrubText(c.Reason, x.secret), nil
	x.publish(llm.Event{Type: llm.EventVerdict, Interaction: x.snapshot(), ToolCall: &c})
}

// Streams tells whether a response with that header would be followed as a stream
// if it had no content encoding. It is asked before Response.
func (x *Exchange) Streams(h http.Header) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.format == nil {
		return false
	}
	x.wanted, x.media = x.i.Stream, h.Get("Content-Type")
	return x.newFramer() != nil
}

// Kept returns what was kept of the response so far, as it came, and whether that is
// all of it. The bytes must not be changed.
func (x *Exchange) Kept() (body []byte, whole bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.resp, !x.truncated
}
