package guard

import (
	"bytes"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/secret"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// texts edits the texts of a streamed answer: placeholders become values again,
// and links that carry data away lose their teeth.
type texts struct {
	rewriter wire.Rewriter
	frames   func() sse.Framer
	framer   sse.Framer // of what the gate wrote anew, nil before any
	buf      []byte
}

func (x *Exchange) texts(contentType string, maxFrame int) *texts {
	f, ok := x.target.Format.(wire.Rewriting)
	if !ok || !x.edits() {
		return nil
	}
	t := &texts{rewriter: f.NewRewriter(contentType, wire.RewriteOptions{Editor: x.editor})}
	t.frames = func() sse.Framer {
		if contentType == wire.WebSocket {
			return sse.NewMessages()
		}
		return f.NewFramer(contentType, maxFrame)
	}
	return t
}

// edits tells whether any text of the answer may come out otherwise than it came in.
func (x *Exchange) edits() bool { return x.values != nil || x.harmless() }

// harmless tells whether links are made harmless.
func (x *Exchange) harmless() bool {
	return x.guard.opts.Act && (x.guard.opts.Links == Redact || x.guard.opts.Links == Block)
}

func (t *texts) frame(f sse.Frame) []byte { return t.rewriter.Frame(f) }

// bytes takes frames that were written anew. Their framer is not taught, so they have
// no class that could be taken for one of the provider's frames.
func (t *texts) bytes(out, b []byte) []byte {
	if t.framer == nil {
		t.framer = t.frames()
	}
	t.framer.Write(b)
	for f, ok := t.framer.Next(); ok; f, ok = t.framer.Next() {
		out = append(out, t.rewriter.Frame(f)...)
	}
	return out
}

func (t *texts) close() []byte {
	t.buf = t.buf[:0]
	if t.framer != nil {
		t.framer.Close()
		for f, ok := t.framer.Next(); ok; f, ok = t.framer.Next() {
			t.buf = append(t.buf, t.rewriter.Frame(f)...)
		}
	}
	t.buf = append(t.buf, t.rewriter.Close()...)
	return t.buf
}

func (x *Exchange) rewriteBody(body []byte) []byte {
	f, ok := x.target.Format.(wire.Rewriting)
	if !ok || !x.edits() || x.values == nil && !mayLink(body) {
		return body
	}
	return f.Rewrite(body, wire.RewriteOptions{Editor: x.editor})
}

// mayLink tells whether a body may hold a link, as JSON spells it.
func mayLink(body []byte) bool {
	for _, mark := range [...]string{"://", `:\/`, "www.", "](", "]:", "<", `\u`} {
		if bytes.Contains(body, []byte(mark)) {
			return true
		}
	}
	return false
}

// editor returns the editor of one text.
func (x *Exchange) editor(kind wire.TextKind) wire.TextEditor {
	e := &editor{x: x, kind: kind}
	if x.values != nil {
		e.restore = x.values.values.Restorer(secret.Restoring{
			// A secret is not put into what a tool is called with, personal data is.
			Secrets: kind != wire.TextArguments, JSON: kind == wire.TextArguments, Hosts: lazyHosts{x},
		})
	}
	if kind != wire.TextArguments && x.harmless() {
		e.links = x.leaks()
	}
	if e.restore == nil && e.links == nil {
		return nil
	}
	return e
}

// editor looks at links first: a value that is restored in a text for the user is
// nothing that the model sent away. In reasoning links are reported, and stay: it
// may be signed, and must come back to the provider as it was. What is restored
// there does while the session lives, for it is redacted to the same placeholder.
type editor struct {
	x       *Exchange
	kind    wire.TextKind
	links   *secret.Leaks
	restore *secret.Restorer
	told    int
}

func (e *editor) Write(text string) string {
	if e.links != nil {
		text = e.harmless(text, e.links.Write(text))
	}
	if e.restore != nil {
		text = e.restore.Write(text)
	}
	return text
}

func (e *editor) Flush() string {
	var text string
	if e.links != nil {
		text = e.harmless("", e.links.Flush())
	}
	if e.restore != nil {
		text = e.restore.Write(text) + e.restore.Flush()
	}
	return text
}

// harmless tells of the links that were found, and returns the text that goes on.
func (e *editor) harmless(text, without string) string {
	action := Redact
	if e.kind == wire.TextReasoning {
		action, without = Report, text
	}
	found := e.links.Found()
	for ; e.told < len(found); e.told++ {
		e.x.leak(found[e.told], string(action))
	}
	return without
}

func (x *Exchange) leak(l secret.Leak, action string) {
	kind := "link"
	if l.Image {
		kind = "image"
	}
	f := llm.Finding{Kind: kind, Detector: "links", Where: "answer, to " + clean(l.Host, 100) + ": " + l.Why, Action: action}
	for _, have := range x.leaked { // the repetitions of a text name it again
		if have == f {
			return
		}
	}
	x.leaked = append(x.leaked, f)
	x.findings = append(x.findings, f)
}

// Look reports what would have been done about the texts of an answer that passed
// as they were.
func (x *Exchange) Look(a *llm.Answer) {
	if x.guard.opts.Links == Off || x.guard.opts.Links == "" || x.harmless() {
		return
	}
	defer x.survive("links", func() {})
	for _, c := range a.Choices {
		if !strings.Contains(c.Text, "://") && !strings.Contains(c.Text, "](") {
			continue
		}
		l := x.leaks()
		l.Write(c.Text)
		l.Flush()
		for _, found := range l.Found() {
			x.leak(found, string(Report))
		}
	}
}

// lazyHosts are looked up in the conversation when a link is met.
type lazyHosts struct{ x *Exchange }

func (l lazyHosts) Has(host string) bool { return l.x.hosts().Has(host) }

// hosts are those that the user and the instructions named.
func (x *Exchange) hosts() *secret.Hosts {
	if x.named == nil {
		x.named = new(secret.Hosts)
		c := x.history()
		for _, p := range c.System {
			x.named.Learn(p.Text)
		}
		for _, m := range c.Messages {
			if m.Role != llm.RoleUser && m.Role != llm.RoleSystem {
				continue
			}
			for _, p := range m.Parts {
				if p.Kind == llm.PartText {
					x.named.Learn(p.Text)
				}
			}
		}
	}
	return x.named
}

// leaks makes the filter of one text. What it needs of the conversation is looked
// up when a link is met.
func (x *Exchange) leaks() *secret.Leaks {
	return secret.NewLeaks(secret.LeakOptions{Hosts: lazyHosts{x}, Session: x.leakSession(), Seen: x.seen})
}

func (x *Exchange) leakSession() *secret.Session {
	if x.values == nil {
		return nil
	}
	return x.values.values
}

// seen tells whether a URL stood in the request as it is.
func (x *Exchange) seen(url string) bool {
	c := x.history()
	for _, m := range c.Messages {
		for _, p := range m.Parts {
			if strings.Contains(p.Text, url) {
				return true
			}
		}
	}
	return false
}
