package policy

import (
	"slices"
	"strings"
	"sync"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
)

// sinks returns the arguments that say where a call's effect goes: identifiers,
// or where it has none the names, or for a command the command itself.
func sinks(f *fact.Facts) []*fact.Value {
	var strong, names, rest []*fact.Value
	for i := range f.Values {
		v := &f.Values[i]
		switch {
		case v.Embedded:
		case v.Kind.Strong():
			strong = append(strong, v)
		case v.Role == fact.Names:
			names = append(names, v)
		default:
			rest = append(rest, v)
		}
	}
	switch {
	case f.Tool.Class == fact.ClassExecute:
		return append(append(rest, names...), strong...)
	case len(strong) > 0:
		return strong
	}
	return names
}

// Sink names what an answer is remembered for: the tool and where its effect goes.
// A call that confirms an effect has that effect's sink.
func Sink(f *fact.Facts) string {
	if f.Confirms != nil {
		f = f.Confirms
	}
	var parts []string
	for _, v := range sinks(f) {
		text := v.Text
		if v.Key != "" {
			text = v.Key
		}
		parts = append(parts, v.Path+"="+text)
	}
	slices.Sort(parts)
	return f.Tool.Name + "(" + strings.Join(parts, ", ") + ")"
}

// Memory holds the answers of one session. It is safe for concurrent use.
type Memory struct {
	mu      sync.Mutex
	answers map[string]llm.Action
}

// maxAnswers bounds a memory; it is emptied when it is full, which asks again.
const maxAnswers = 4096

// Remember keeps an answer, ActionAllow or ActionBlock, for a sink.
func (m *Memory) Remember(sink string, a llm.Action) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.answers == nil || len(m.answers) >= maxAnswers {
		m.answers = map[string]llm.Action{}
	}
	m.answers[sink] = a
}

// Forget drops every answer.
func (m *Memory) Forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answers = nil
}

// Recall returns the answer given for a sink, or "". A nil memory has none.
func (m *Memory) Recall(sink string) llm.Action {
	if m == nil {
		return ""
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.answers[sink]
}
