package simulate

// frameKind says what a frame is to the stream that it stands in.
type frameKind int

const (
	frameOpening  frameKind = iota // before the first content
	frameContent                   // text, reasoning, a call
	frameTerminal                  // one of the format's last events
)

// frame is one event of a stream: a server-sent event, a line of NDJSON, or an
// element of a JSON array.
type frame struct {
	kind  frameKind
	event string // the SSE event name; often none
	data  []byte
}

func opening(event string, v any) frame  { return frame{frameOpening, event, encode(v)} }
func content(event string, v any) frame  { return frame{frameContent, event, encode(v)} }
func terminal(event string, v any) frame { return frame{frameTerminal, event, encode(v)} }

// codec is one wire format: how its requests are read and its answers written.
type codec struct {
	decode func(body []byte, r *Request) error
	whole  func(a *answer) []byte
	stream func(a *answer) []frame
	// fault writes the events with which a stream tells an error after its 200,
	// and after the given number of events.
	fault func(a *answer, p problem, sent int) []frame
	// framing tells how the stream's events stand in the body.
	framing func(r Request) framing
}

var codecs = map[Format]codec{
	ChatCompletions: chatCodec,
	Responses:       responsesCodec,
	Messages:        messagesCodec,
	GenerateContent: geminiCodec,
	OllamaChat:      ollamaChatCodec,
	OllamaGenerate:  ollamaGenerateCodec,
}

// framing says how frames are laid into a body.
type framing int

const (
	framingSSE framing = iota
	framingSSECRLF
	framingNDJSON
	framingArray
)

func (f framing) contentType() string {
	switch f {
	case framingNDJSON:
		return "application/x-ndjson"
	case framingArray:
		return "application/json; charset=UTF-8"
	case framingSSECRLF:
		return "text/event-stream"
	}
	return "text/event-stream; charset=utf-8"
}

func always(f framing) func(Request) framing { return func(Request) framing { return f } }

// bend applies what a script spoils in a stream: events left out, put in, or
// broken. fault gives the events of an error in mid stream.
func bend(frames []frame, d Delivery, fault func(sent int) []frame) []frame {
	total := 0
	for _, f := range frames {
		if f.kind == frameContent {
			total++
		}
	}
	out := make([]frame, 0, len(frames)+1)
	seen := 0
	for _, f := range frames {
		if f.kind == frameTerminal && (d.NoTerminal || d.MidError != nil) {
			continue
		}
		if d.MidError != nil && f.kind == frameContent && seen >= (total+1)/2 {
			continue
		}
		out = append(out, f)
		if f.kind == frameContent {
			if seen++; seen == 1 && d.Garbage {
				out = append(out, frame{kind: frameContent, data: []byte(`{"garbage":tru`)})
			}
		}
	}
	if d.MidError != nil {
		out = append(out, fault(len(out))...)
	}
	return out
}

// layout writes frames into a body, in one framing with a script's oddities.
type layout struct {
	framing framing
	d       Delivery
	n       int // frames written
}

// appendFrame writes one frame; last tells that none follows.
func (l *layout) appendFrame(dst []byte, f frame, last bool) []byte {
	first := l.n == 0
	l.n++
	switch l.framing {
	case framingNDJSON:
		return append(append(dst, f.data...), l.eol("\n")...)
	case framingArray:
		// The service parts the elements with a comma on a line of its own.
		if first {
			dst = append(dst, '[')
		} else {
			dst = append(dst, l.eol("\n")...)
			dst = append(dst, ",\r\n"...)
		}
		dst = append(dst, f.data...)
		if last && !l.d.NoTerminal {
			dst = append(dst, "\n]\n"...)
		}
		return dst
	}
	nl := "\n"
	if l.framing == framingSSECRLF {
		nl = "\r\n"
	}
	nl = l.eol(nl)
	if l.d.Comments {
		dst = append(append(dst, ": keep-alive"...), nl...)
		dst = append(dst, nl...)
	}
	if l.d.Blanks {
		dst = append(append(dst, nl...), nl...)
	}
	colon := ": "
	if l.d.NoSpace {
		colon = ":"
	}
	if f.event != "" {
		dst = append(append(append(append(dst, "event"...), colon...), f.event...), nl...)
	}
	dst = append(append(append(append(dst, "data"...), colon...), f.data...), nl...)
	if !last || !l.d.NoLastBlank {
		dst = append(dst, nl...)
	}
	return dst
}

// eol returns the line end that the script asks for, else the format's own.
func (l *layout) eol(own string) string {
	switch {
	case l.d.CRLF:
		return "\r\n"
	case l.d.LF:
		return "\n"
	}
	return own
}
