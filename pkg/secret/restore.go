package secret

import (
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
)

// Restoring says what a Restorer may put back, and where.
type Restoring struct {
	// Secrets lets secrets be restored too, and not personal data alone: in text
	// that the user reads, never in the arguments of a tool call.
	Secrets bool
	// JSON tells that the stream is the text of a JSON value, so that what is put
	// into its strings must be escaped.
	JSON bool
	// Hosts are those that the user or the system prompt named. Nothing is
	// restored inside a URL to another host: otherwise a placeholder would be what
	// an attacker asks the model for, and redaction his decoder.
	Hosts Named
}

// Restorer puts the values of a session back into one stream of text: one
// choice, one content block, or one tool call's arguments. It holds back at most
// the beginning of one placeholder. It is for one goroutine.
type Restorer struct {
	session *Session
	how     Restoring
	held    string // the beginning of what may be a placeholder
	run     []byte // what was written since the last byte that ends a URL
	long    bool   // run was cut
}

// maxRun bounds how far back a URL may begin.
const maxRun = 2 << 10

// Restorer returns a Restorer for a new stream.
func (s *Session) Restorer(how Restoring) *Restorer { return &Restorer{session: s, how: how} }

// Write takes the next piece of the stream and returns what can go on.
func (r *Restorer) Write(text string) string {
	if r.held != "" {
		text = r.held + text
		r.held = ""
	}
	var out strings.Builder
	done, from := 0, 0
	for {
		i := strings.IndexByte(text[from:], marker[0])
		if i < 0 {
			break
		}
		i += from
		n, partial := placeholderAt(text[i:])
		if partial {
			r.held = text[i:]
			text = text[:i]
			break
		}
		if n == 0 {
			from = i + 1
			continue
		}
		r.follow(text[done:i])
		out.WriteString(text[done:i])
		value := r.restore(text[i : i+n])
		r.follow(value)
		out.WriteString(value)
		done, from = i+n, i+n
	}
	r.follow(text[done:])
	if done == 0 {
		return text
	}
	out.WriteString(text[done:])
	return out.String()
}

// Flush tells that the stream is over, and returns what was held back.
func (r *Restorer) Flush() string {
	held := r.held
	r.held = ""
	return held
}

// Held returns how many bytes are held back.
func (r *Restorer) Held() int { return len(r.held) }

// restore returns what stands for a placeholder.
func (r *Restorer) restore(placeholder string) string {
	e, ok := r.session.lookup(placeholder)
	if !ok || e.secret && !r.how.Secrets || r.abroad() {
		return placeholder
	}
	if r.how.JSON {
		return escapeJSON(e.value)
	}
	return e.value
}

// follow keeps in mind what a URL that goes on after text begins with.
func (r *Restorer) follow(text string) {
	if i := lastBreak(text); i >= 0 {
		r.run, r.long = r.run[:0], false
		text = text[i+1:]
	}
	if len(r.run)+len(text) > maxRun {
		r.long = true
		text = text[:maxRun-len(r.run)]
	}
	r.run = append(r.run, text...)
}

// lastBreak returns the last place of a byte that no URL holds, or -1.
func lastBreak(text string) int {
	for i := len(text) - 1; i >= 0; i-- {
		if c := text[i]; c <= ' ' || c == '"' || c == '<' || c == '>' || c == '`' {
			return i
		}
	}
	return -1
}

// abroad tells whether the next byte is inside a URL to a host that nobody named.
func (r *Restorer) abroad() bool {
	run := string(r.run)
	if r.how.JSON {
		run = string(jsonscan.AppendUnescaped(nil, r.run))
		if i := lastBreak(run); i >= 0 { // an escaped blank or quote
			run = run[i+1:]
		}
	}
	if r.long {
		return true // whatever began so far back, it is not known to whom it goes
	}
	found := false
	for rest := run; ; {
		i := strings.Index(rest, "//")
		if i < 0 {
			break
		}
		found = true
		rest = rest[i+2:]
		if host := hostOf(rest); host == "" || !named(r.how.Hosts, host) {
			return true
		}
	}
	if found {
		return false
	}
	run = strings.ReplaceAll(lowered(run), "[.]", ".") // Leaks may have been here
	if i := strings.Index(run, "www."); i >= 0 && !isAlnum(byteAt(run, i-1)) {
		return !named(r.how.Hosts, hostOf(run[i:]))
	}
	return false
}
