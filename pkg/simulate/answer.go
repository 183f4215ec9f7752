package simulate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// answer is a script that has been settled for one request: every part is
// known, the tokens are counted. The formats write it down.
type answer struct {
	req     Request
	script  Script
	usage   Usage
	created time.Time
	seed    string
}

// choose finds the script for a request: the header's, else the last user's
// words', else the default.
func choose(r Request) (Script, error) {
	if h := r.Header.Values("X-Simulate"); len(h) > 0 {
		turns, err := ParseScript(strings.Join(h, "|"))
		if err != nil {
			return Script{}, err
		}
		return pick(turns, r.Turn()), nil
	}
	after := 0 // the assistant's messages after the one looked at
	for _, m := range slices.Backward(r.Messages) {
		if m.Role == RoleAssistant {
			after++
		}
		if m.Role != RoleUser {
			continue
		}
		turns, found, err := scriptIn(m.Text)
		if err != nil {
			return Script{}, err
		}
		if found {
			return pick(turns, after), nil
		}
		// Some agents put reminders beside the tool results; those are not the
		// user's own words.
		if len(m.Results) == 0 {
			break
		}
	}
	return Script{}, nil
}

func pick(turns []Script, n int) Script {
	if n < len(turns) {
		return turns[n]
	}
	return Script{}
}

// settle completes a script: default parts, ids, usage.
func settle(r Request, s Script, now time.Time, seed string) *answer {
	if s.Events > 0 && !slices.ContainsFunc(s.Parts, func(p Part) bool { return p.Kind == PartText }) {
		s.Parts = append(slices.Clone(s.Parts), Text(words(s.Events)))
	}
	if len(s.Parts) == 0 {
		s.Parts = []Part{Text(echo(r))}
	} else {
		s.Parts = slices.Clone(s.Parts)
	}
	if s.Choices > 0 {
		r.Choices = s.Choices
	}
	if s.Model == "" {
		s.Model = r.Model
	}
	a := &answer{req: r, script: s, created: now.UTC(), seed: seed}
	for i := range s.Parts {
		if c := &s.Parts[i].Call; s.Parts[i].Kind == PartCall {
			if c.Arguments == "" && !c.Custom {
				c.Arguments = "{}"
			}
			if c.ID == "" {
				c.ID = callID(a, i)
			}
		}
	}
	if s.Usage != nil {
		a.usage = *s.Usage
	} else {
		a.usage = count(r, s)
	}
	return a
}

// callID makes a tool call's id in the manner of the provider.
func callID(a *answer, i int) string {
	label := "call" + strconv.Itoa(i)
	switch a.req.Format {
	case Messages:
		return a.id("toolu_01", 22, label)
	case GenerateContent:
		return strings.ToLower(a.id("", 8, label))
	case OllamaChat:
		return "call_" + strings.ToLower(a.id("", 8, label))
	}
	switch a.req.Provider {
	case VLLM:
		return "chatcmpl-tool-" + a.hex(label)[:32]
	case Cerebras:
		return a.hex(label)[:9]
	case XAI:
		return "call_" + a.digits(8, label)
	case Ollama:
		return "call_" + strings.ToLower(a.id("", 8, label))
	}
	return a.id("call_", 24, label)
}

// echo is the default answer.
func echo(r Request) string {
	if n := len(r.Messages); n > 0 {
		m := r.Messages[n-1]
		if len(m.Results) > 0 {
			var said []string
			for _, res := range m.Results {
				name := res.Name
				if name == "" {
					name = r.nameOf(res.ID)
				}
				said = append(said, fmt.Sprintf("%s returned: %s", name, excerpt(res.Text, 200)))
			}
			return strings.Join(said, "\n")
		}
		return "You said: " + excerpt(m.Text, 200)
	}
	return "You said nothing."
}

// nameOf finds the name of the tool that was called with an id.
func (r Request) nameOf(id string) string {
	for _, m := range slices.Backward(r.Messages) {
		for _, c := range m.Calls {
			if c.ID == id {
				return c.Name
			}
		}
	}
	return "the tool"
}

// text joins the parts of one kind.
func (a *answer) text(kind PartKind) string {
	var b strings.Builder
	for _, p := range a.script.Parts {
		if p.Kind == kind {
			b.WriteString(p.Text)
		}
	}
	return b.String()
}

func (a *answer) calls() []ToolCall {
	var calls []ToolCall
	for _, p := range a.script.Parts {
		if p.Kind == PartCall {
			calls = append(calls, p.Call)
		}
	}
	return calls
}

// finish returns the neutral word for why the answer ended: stop, length,
// filter, calls, refusal, or the script's own.
func (a *answer) finish() string {
	switch {
	case a.script.Finish != "":
		return a.script.Finish
	case len(a.calls()) > 0:
		return "calls"
	case a.text(PartRefusal) != "":
		return "refusal"
	}
	return "stop"
}

// deltas cuts a text as it is streamed.
func (a *answer) deltas(s string) []string {
	if a.script.Events > 0 {
		return cutInto(s, a.script.Events)
	}
	return pieces(s)
}

// id returns a prefix and n letters and digits that follow from the request and
// the label alone.
func (a *answer) id(prefix string, n int, label string) string {
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	out := []byte(prefix)
	for block := 0; len(out) < len(prefix)+n; block++ {
		for _, b := range sha256.Sum256([]byte(a.seed + label + strconv.Itoa(block))) {
			if len(out) < len(prefix)+n {
				out = append(out, letters[int(b)%len(letters)])
			}
		}
	}
	return string(out)
}

// hex returns 64 hexadecimal digits that follow from the request and the label.
func (a *answer) hex(label string) string {
	sum := sha256.Sum256([]byte(a.seed + label))
	return hex.EncodeToString(sum[:])
}

// digits returns n decimal digits that follow from the request and the label.
func (a *answer) digits(n int, label string) string {
	sum := sha256.Sum256([]byte(a.seed + label))
	out := make([]byte, n)
	for i := range out {
		out[i] = '0' + sum[i]%10
	}
	return string(out)
}

// uuid returns a UUID that follows from the request and the label.
func (a *answer) uuid(label string) string {
	h := a.hex(label)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:32]
}

// count gives the usage of an answer whose script states none: one token for
// each piece in which a text would be streamed.
func count(r Request, s Script) Usage {
	u := Usage{Input: countInput(r)}
	for _, p := range s.Parts {
		switch p.Kind {
		case PartCall:
			u.Output += tokens(p.Call.Name) + tokens(p.Call.Arguments)
		case PartReason:
			n := tokens(p.Text)
			u.Output += n
			u.Reasoning += n
		default:
			u.Output += tokens(p.Text)
		}
	}
	u.Output *= max(1, r.Choices)
	u.Reasoning *= max(1, r.Choices)
	return u
}

// countInput counts the tokens of a request.
func countInput(r Request) int {
	n := tokens(r.System)
	for _, m := range r.Messages {
		n += tokens(m.Text)
		for _, c := range m.Calls {
			n += tokens(c.Name) + tokens(c.Arguments)
		}
		for _, res := range m.Results {
			n += tokens(res.Text)
		}
	}
	for _, t := range r.Tools {
		n += tokens(t)
	}
	return n
}
