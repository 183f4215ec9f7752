package guard

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime/debug"
	"strconv"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy"
	"github.com/archestra-ai/archestra-cli/pkg/secret"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// Exchange judges one exchange. It is used by one goroutine at a time.
type Exchange struct {
	guard  *Guard
	target Target
	rules  *policy.Policy // in force when the exchange began; nil where they cannot be had
	body   []byte         // the request that the provider gets, decoded from its content encoding

	client  string // the client's own name of the session, or ""
	opening string // a key of how the conversation begins

	session      *session
	values       *session // whose placeholders the request has
	conversation *llm.Conversation
	judging      *policy.Session
	judged       []*Judged
	gated        bool // nothing passes but what is judged
	findings     []llm.Finding
	leaked       []llm.Finding // of links, so that each is told once
	named        *secret.Hosts
	notes        []string
}

// Judged is a call that was decided.
type Judged struct {
	Call    llm.ToolCall // with its verdict
	Verdict policy.Verdict
	number  int  // the gate's
	decided bool // by the rules, or by a person
	taken   bool // it was given to the record
}

// current returns the rules in force, or nil where that fails.
func (x *Exchange) current() (p *policy.Policy) {
	defer x.survive("the rules", func() { p = nil })
	return x.guard.opts.Policy()
}

// survive turns a panic of a guard into its failing closed.
func (x *Exchange) survive(what string, closed func()) {
	if v := recover(); v != nil {
		x.guard.log.Error("a guard panicked: what it was to judge is refused", "interaction", x.target.Interaction, "guard", what,
			"panic", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
		closed()
	}
}

// Acts tells whether calls are held and refused, and not noted alone.
func (x *Exchange) Acts() bool {
	return x.guard.opts.Act && (x.rules == nil || x.rules.Mode(x.target.Profile) == policy.Enforce)
}

// Gated returns the target's format if calls can be taken out of its answers.
func (x *Exchange) Gated() wire.Gated {
	g, _ := x.target.Format.(wire.Gated)
	return g
}

// history decodes the conversation, once.
func (x *Exchange) history() *llm.Conversation {
	if x.conversation == nil && x.target.Kept != "" {
		x.conversation = &llm.Conversation{PreviousID: x.target.Kept}
	}
	if x.conversation == nil {
		// What cannot be read is left out, and what is left out vouches for nothing.
		read := x.guard.history.Read(x.target.Format, x.body)
		x.conversation = &read.Conversation
	}
	return x.conversation
}

// sessionKey names the conversation.
func (x *Exchange) sessionKey() string {
	t := x.target
	if x.client != "" {
		return t.Provider + "\x00" + t.Profile + "\x00" + x.client
	}
	c := x.history()
	if c.PreviousID != "" {
		return x.heldKey(c.PreviousID)
	}
	opening := binary.LittleEndian.AppendUint64(nil, llm.SumParts(c.System))
	for i := range c.Messages {
		opening = binary.LittleEndian.AppendUint64(opening, c.Messages[i].Sum())
		if c.Messages[i].Role == llm.RoleUser {
			break
		}
	}
	return t.Provider + "\x00" + t.Profile + "\x00\x00" + strconv.FormatUint(llm.SumBytes(opening), 36)
}

// heldKey names the conversation that a provider keeps under an id.
func (x *Exchange) heldKey(id string) string {
	return x.target.Provider + "\x00" + x.target.Profile + "\x00\x00\x00" + id
}

// sessionOf returns what is kept of the conversation.
func (x *Exchange) sessionOf() *session {
	if x.session == nil {
		x.session = x.guard.session(x.sessionKey())
		if x.client == "" && x.begins() {
			// Another conversation that begins with the same words inherits no answer.
			x.session.memory.Forget()
		}
	}
	return x.session
}

// begins tells whether the conversation has no turn of the model yet.
func (x *Exchange) begins() bool {
	c := x.history()
	if c.PreviousID != "" || x.target.Attempt > 0 {
		return false
	}
	for i := range c.Messages {
		if c.Messages[i].Role == llm.RoleAssistant {
			return false
		}
	}
	return true
}

// Hold remembers the answer under the id by which a provider keeps the
// conversation, for requests that name only the id.
func (x *Exchange) Hold(id string, a *llm.Answer) {
	if id == "" || x.rules == nil {
		return
	}
	defer x.survive("the history", func() {})
	m := llm.Message{Role: llm.RoleAssistant}
	if text := a.Text(); text != "" {
		m.Parts = append(m.Parts, llm.Part{Kind: llm.PartText, Text: text})
	}
	for _, c := range a.ToolCalls {
		m.Parts = append(m.Parts, llm.Part{Kind: llm.PartToolCall, Name: c.Name, CallID: c.ID, Arguments: c.Arguments, Text: c.ArgumentsText})
	}
	x.judgingSession().Hold(id, m)
	x.guard.keep(x.heldKey(id), x.sessionOf())
}

// Findings returns what was found so far, and forgets it.
func (x *Exchange) Findings() []llm.Finding {
	f := x.findings
	x.findings = nil
	return f
}

// Notes returns what the record should say in words so far, and forgets it.
func (x *Exchange) Notes() []string {
	n := x.notes
	x.notes = nil
	return n
}

func (x *Exchange) note(format string, args ...any) {
	x.notes = append(x.notes, fmt.Sprintf(format, args...))
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// Edits tells whether anything of the answer may be held or come out otherwise
// than it came in.
func (x *Exchange) Edits() bool { return x.Acts() && x.Gated() != nil || x.edits() }

// Answer judges an answer for the record: it puts verdicts on its calls, looks for
// links, and remembers it where the provider keeps the conversation.
func (x *Exchange) Answer(a *llm.Answer) {
	if x.target.Format == nil {
		return
	}
	x.Annotate(a.ToolCalls)
	x.Look(a)
	if x.kept() {
		x.Hold(a.ID, a)
	}
}

// kept tells whether the provider keeps the answer, so that it can be continued, or
// fetched once more, by its id. Of responses it does unless it is told not to, of
// chat completions where it is told to, or answers later.
func (x *Exchange) kept() bool {
	switch x.target.Format.API() {
	case llm.APIResponses:
		store := x.history().Store
		return store == nil || *store
	case llm.APIChatCompletions:
		store := x.history().Store
		return x.target.Kept != "" || store != nil && *store
	}
	return false
}

// MayCall tells whether the answer may call a tool, hold a placeholder, or a link
// that is to be made harmless: a compressed stream that cannot is not taken apart. Tools are declared
// in the request, or stand where the provider keeps something that it names; letters
// may be spelt by escapes.
func (x *Exchange) MayCall() bool {
	if x.values != nil || x.harmless() {
		return true
	}
	if x.target.Kept != "" {
		return true
	}
	for _, word := range [...]string{"tool", "function", "previous_response_id", `"conversation"`, `"prompt"`, "achedContent", "ached_content", `\u00`} {
		if bytes.Contains(x.body, []byte(word)) {
			return true
		}
	}
	return false
}

// Foreign judges calls of an API that is not understood. What the conversation is,
// nobody knows: it is not trusted, and nobody is asked.
func (x *Exchange) Foreign(calls []llm.ToolCall) bool { return x.Stopped(calls) == nil }

// Stopped is Foreign, and returns the first call that must not pass.
func (x *Exchange) Stopped(calls []llm.ToolCall) (stopped *llm.ToolCall) {
	x.conversation = &llm.Conversation{PreviousID: unknown}
	for _, c := range calls {
		v := x.judge(c)
		j := &Judged{Call: c, Verdict: v, decided: true}
		dress(&j.Call, &v)
		if v.Action != llm.ActionAllow {
			j.Call.Verdict = llm.ActionBlock
			if stopped == nil {
				stopped = &j.Call
			}
		}
		x.judged = append(x.judged, j)
		x.told(j)
	}
	return stopped
}

// RefusesUnobserved tells whether the calls of an API that is not understood are judged
// before they pass, by Foreign.
func (x *Exchange) RefusesUnobserved() bool { return x.guard.opts.RefuseUnobserved && x.Acts() }

// Passed judges the calls of an answer of an API that is not understood, for the record
// alone: they have passed, unless Foreign has judged them.
func (x *Exchange) Passed(a *llm.Answer) {
	if len(a.ToolCalls) == 0 {
		return
	}
	held := len(x.judged) > 0
	x.conversation, x.judging = &llm.Conversation{PreviousID: unknown}, nil
	x.Annotate(a.ToolCalls)
	if x.Acts() && !held {
		x.note("unjudged: %s passed, for this API is not observed in full and nothing of it is held; what the rules would do without knowing the conversation is noted", plural(len(a.ToolCalls), "tool call"))
	}
}

// unknown names a conversation that nobody knows.
const unknown = "\x00 not known"

// Succeed takes over what was decided of the calls of an exchange before it on the
// same connection: the record is of both.
func (x *Exchange) Succeed(before *Exchange) {
	for _, j := range before.judged {
		k := *j
		k.number = -1 // of another gate
		x.judged = append(x.judged, &k)
	}
}

// Sent returns the request body that went to the provider, decoded from its content
// encoding.
func (x *Exchange) Sent() []byte { return x.body }

// Retries tells whether the model may be asked again.
func (x *Exchange) Retries() bool { return x.guard.opts.OnBlock == Retry && x.Acts() }
