package guard

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
	"github.com/archestra-ai/archestra-cli/pkg/secret"
	"github.com/archestra-ai/archestra-cli/pkg/secret/payload"
)

// Looked is what a guard makes of a request.
type Looked struct {
	// Send goes to the provider, and Keep into the record. Both are the body
	// itself where nothing is changed.
	Send, Keep []byte
	// Refusal tells that the request must not leave, and Status with which status
	// it is answered.
	Refusal *llm.Error
	Status  int
	// Values are secrets that the record of the answer must not repeat.
	Values []string
}

// Request judges a request body, decoded from its content encoding. The body must
// stay as it is until the exchange is over; read is the conversation in it, if
// somebody has decoded it already, and stays as it is. session is the client's own name of the
// session, or ""; conversation is a key that bodies of one conversation have in
// common.
func (x *Exchange) Request(body []byte, read *llm.Conversation, session, conversation string) (l Looked) {
	if x.target.Kept != "" {
		read = nil // the body says nothing of it
	}
	x.client, x.opening, x.conversation = session, conversation, read
	l = Looked{Send: body, Keep: body}
	x.body = body
	defer x.survive("the request", func() {
		l = Looked{Send: body, Keep: body}
		if x.guard.opts.Act {
			l.refuse(http.StatusInternalServerError, "guard_failed", "archestra failed while it judged the request, so it was not sent. It is a defect of archestra.")
		}
	})
	if x.rules == nil && x.guard.opts.Act {
		l.refuse(http.StatusInternalServerError, "guard_failed", "The rules cannot be had, so the request was not sent; see archestra's log.")
		return l
	}
	x.secrets(&l)
	x.follow()
	if l.Refusal == nil && x.target.Format != nil && x.rules != nil && x.rules.HasResultRules() {
		x.results(&l)
	}
	x.sends(l.Send)
	return l
}

// sends sets what the model reads: that is what is judged.
func (x *Exchange) sends(body []byte) {
	if len(body) != len(x.body) || len(body) > 0 && &body[0] != &x.body[0] {
		x.body, x.conversation = body, nil
	}
}

func (l *Looked) refuse(status int, code, message string) {
	l.Status = status
	l.Refusal = &llm.Error{Source: llm.SourceArchestra, Type: "invalid_request_error", Code: code, Message: message}
}

// secrets looks for what must not leave.
func (x *Exchange) secrets(l *Looked) {
	if x.guard.scanner == nil {
		return
	}
	var known []llm.Message
	if x.conversation != nil {
		known = x.conversation.Messages
	}
	hits, err := x.guard.scanner.Scan(l.Send, known)
	if err != nil || len(hits) == 0 {
		return // what is no JSON object is not looked into, and is refused elsewhere
	}
	var redact, conceal []payload.Hit
	var blocked []payload.Hit
	s := x.placeholders()
	for _, h := range hits {
		t := x.guard.treatment(h.Kind)
		if t == Off {
			continue
		}
		conceal = append(conceal, h)
		// What a history repeats is told once; what is no conversation has none.
		first := s.first(l.Send[h.Start:h.End])
		switch t {
		case Redact:
			redact = append(redact, h)
		case Block:
			blocked = append(blocked, h)
		}
		if first || h.New || t == Block || x.target.Format == nil {
			x.findings = append(x.findings, llm.Finding{Kind: string(h.Kind), Detector: h.Rule, Where: clean(h.Where, 200), Action: string(t)})
		}
	}
	if len(conceal) == 0 {
		return
	}
	l.Values = payload.Values(l.Send, secretsOf(conceal))
	plain := l.Send
	l.Keep = payload.Redact(plain, conceal, s.values)
	switch {
	case len(blocked) > 0:
		l.refuse(http.StatusBadRequest, "secret_in_request", blockedBy(blocked))
	case len(redact) == len(conceal):
		l.Send, x.values = l.Keep, s
	case len(redact) > 0:
		l.Send, x.values = payload.Redact(plain, redact, s.values), s
	}
	if len(redact) > 0 && l.Refusal == nil {
		x.note("archestra put placeholders in the place of %s before the request left", plural(len(redact), "value"))
	}
}

// follow has the answer's placeholders restored where the provider keeps the
// conversation: the values came with an earlier request.
func (x *Exchange) follow() {
	g := x.guard
	if x.values != nil || g.scanner == nil || x.target.Format == nil || g.treatment(secret.KindSecret) != Redact && g.treatment(secret.KindCard) != Redact {
		return
	}
	if x.history().PreviousID != "" {
		x.values = x.sessionOf()
	}
}

// placeholders returns what keeps the placeholders of the conversation. They must
// be the same in its next requests: what those have in common with this one is how
// the conversation begins, and not so many bytes of the body.
func (x *Exchange) placeholders() *session {
	if x.target.Format != nil {
		return x.sessionOf()
	}
	return x.guard.session(x.target.Provider + "\x00" + x.target.Profile + "\x00" + cmp.Or(x.client, x.opening))
}

// secretsOf leaves personal data out: an answer may repeat it.
func secretsOf(hits []payload.Hit) []payload.Hit {
	var out []payload.Hit
	for _, h := range hits {
		if h.Kind.Secret() {
			out = append(out, h)
		}
	}
	return out
}

func blockedBy(hits []payload.Hit) string {
	var b strings.Builder
	b.WriteString("The request was not sent: it holds ")
	for i, h := range hits {
		if i == 3 {
			b.WriteString(" and more")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		name := string(h.Kind)
		if h.Rule != "" {
			name += " (" + h.Rule + ")"
		}
		b.WriteString(name + " at " + clean(h.Where, 120))
	}
	what := "secrets"
	if !hits[0].Kind.Secret() {
		what = "personal"
	}
	b.WriteString(". Take it out, or change the setting " + what + ".")
	return b.String()
}

// results puts what a rule says in the place of tool results that it blocks. The
// record keeps what the client sent.
func (x *Exchange) results(l *Looked) {
	x.sends(l.Send)
	c := x.history()
	calls := map[string]*llm.Part{}
	var edits []edit
	for m := range c.Messages {
		parts := c.Messages[m].Parts
		for i := range parts {
			p := &parts[i]
			switch p.Kind {
			case llm.PartToolCall:
				calls[p.CallID] = p
			case llm.PartToolResult:
				v := x.result(p, calls[p.CallID])
				if v.Trust != fact.Blocked {
					continue
				}
				if !x.Acts() {
					x.found(v, p, Report)
					continue
				}
				if p.Span.End <= p.Span.Start {
					l.refuse(http.StatusBadRequest, "result_blocked", "The request was not sent: rule "+v.Rule+" blocks the result of "+quote(p.Name)+", and its text could not be replaced.")
					return
				}
				x.found(v, p, Block)
				edits = append(edits, edit{p.Span, v.Replacement})
			}
		}
	}
	if len(edits) > 0 {
		l.Send = splice(l.Send, edits)
		x.note("archestra replaced %s that a rule blocks", plural(len(edits), "tool result"))
	}
}

func (x *Exchange) result(p, call *llm.Part) policy.ResultVerdict {
	name := p.Name
	var args []fact.Leaf
	if call != nil {
		name = call.Name
		args, _ = fact.Leaves(llm.ToolCall{Name: call.Name, Arguments: call.Arguments, ArgumentsText: call.Text})
	}
	return x.rules.Result(x.target.Profile, name, args, p.Text)
}

func (x *Exchange) found(v policy.ResultVerdict, p *llm.Part, t Treatment) {
	x.findings = append(x.findings, llm.Finding{Kind: "tool_result", Detector: v.Rule, Where: "the result of call " + clean(p.CallID, 80), Action: string(t)})
}

// edit puts a text in the place of a value.
type edit struct {
	at   llm.Span
	text string
}

// splice applies edits in the order of the body. One text may have come in several
// pieces with one span, or spans may nest: the first counts.
func splice(body []byte, edits []edit) []byte {
	out := make([]byte, 0, len(body)+64*len(edits))
	at := 0
	for _, e := range edits {
		if e.at.Start < at {
			continue
		}
		out = jsonscan.AppendString(append(out, body[at:e.at.Start]...), e.text)
		at = e.at.End
	}
	return append(out, body[at:]...)
}
