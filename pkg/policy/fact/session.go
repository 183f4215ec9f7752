package fact

import (
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy/lex"
)

// Trust is how far the text of a tool result is believed.
type Trust uint8

// The degrees of trust.
const (
	Untrusted Trust = iota // the default: anybody may have written it
	Trusted                // a rule says that only the user's own people write there
	Blocked                // a rule says that nobody should read it
)

func (t Trust) String() string { return [...]string{"untrusted", "trusted", "blocked", "?"}[t&3] }

// TrustFunc tells how far a tool result is believed.
type TrustFunc func(tool string, args []Leaf, text string) Trust

// Labels say what a session has seen.
type Labels struct {
	Untrusted bool `json:"untrusted,omitempty"` // a tool result that nobody vouches for
	Tainted   bool `json:"tainted,omitempty"`   // attack wording, hidden characters or encoded requests in one
	Private   bool `json:"private,omitempty"`   // what the user's own accounts hold: mail, files, profile
	Secret    bool `json:"secret,omitempty"`    // passwords, keys, codes
}

// source is one text of a conversation in its place.
type source struct {
	read    *reading
	tool    *Tool
	call    *past // what it answers, where that is known
	message int32
	part    int32
	role    llm.Role
	trust   Trust
	tainted bool   // the reading has marks
	named   bool   // see Session.asksForIt
	asOf    uint32 // the epoch that named is of
}

// past is a call that the model made before.
type past struct {
	id, name string
	leaves   []Leaf
	complete bool
	facts    *Facts // as they were when it was proposed, where somebody asked
}

type clauseRef struct{ source, clause int32 }

// Session is what is known of one conversation. It grows message by message, can be
// taken back to where it was, and costs what is put on or taken off. It is not safe
// for concurrent use.
type Session struct {
	a       *Analyzer
	trustOf TrustFunc
	length  int // messages
	now     state
	steps   []step

	sources  []source
	index    concordance           // every word of every source
	spoken   concordance           // every word of the user's
	asks     map[Verbs][]clauseRef // sentences of tool results, by each kind of doing
	wishes   []clauseRef           // sentences of the user
	voices   []int32               // the user's sources
	places   map[place]int32       // hosts and paths that the user wrote, and where first
	folders  []string              // paths that the user wrote
	looked   []*Leaf               // what reading calls asked for
	sought   concordance           // every word of that
	mails    map[string]int32      // addresses that tool results hold, and where first
	owners   map[uint64]int32      // in how many of them a word stands before the @
	calls    map[string]*past
	declared map[string]*Tool // shared
	tools    map[string]*Tool // others

	epoch uint32          // changes with what the user said
	items map[item]naming // as far as it was asked, in this epoch
	bytes int             // of calls and names, see size
}

// state is what a step changes and a step back restores.
type state struct {
	labels Labels
	obey   bool  // the user told the agent to do what some text says
	doubt  *Seen // see Facts.Doubt
	last   *past // for results that carry no call id
	effect int   // the step, counted from 1, of the last call that acts, but for those that only confirm
	looked int
	wishes int
	paths  int
}

// step is a text or a call that was put on.
type step struct {
	message int
	call    *past // nil where it is a source
	other   *past // whose id the call took
	before  state
}

type place struct {
	kind lex.IdentKind
	key  string
}

// NewSession begins an empty conversation. trustOf tells how far a tool result is
// believed; nil believes none.
func (a *Analyzer) NewSession(trustOf TrustFunc) *Session {
	return &Session{
		a: a, trustOf: trustOf, epoch: 1, asks: map[Verbs][]clauseRef{}, places: map[place]int32{},
		mails: map[string]int32{}, owners: map[uint64]int32{}, calls: map[string]*past{}, tools: map[string]*Tool{},
	}
}

// Labels tells what the session has seen so far.
func (s *Session) Labels() Labels { return s.now.labels }

// StartUntrusted makes the session untrusted from its beginning.
func (s *Session) StartUntrusted() { s.now.labels.Untrusted = true }

// Declare makes the tools of a request known by their schemas.
func (s *Session) Declare(tools []llm.Tool) { s.declared = s.a.kit(tools) }

func (s *Session) toolNamed(name string) *Tool {
	if t, ok := s.declared[name]; ok {
		return t
	}
	if t, ok := s.tools[name]; ok {
		return t
	}
	t := s.a.tool(llm.Tool{Name: name})
	s.tools[name] = t
	s.bytes += mapEntry(24) + t.size()
	return t
}

// System adds instructions that stand outside the messages.
func (s *Session) System(parts []llm.Part) {
	for i, p := range parts {
		if p.Text != "" {
			s.put(source{read: s.a.read(p.Text, bySystem), message: -1, part: int32(i), role: llm.RoleSystem})
		}
	}
}

// Append adds the next message.
func (s *Session) Append(m llm.Message) {
	n := int32(s.length)
	s.length++
	for i := range m.Parts {
		p := &m.Parts[i]
		switch p.Kind {
		case llm.PartToolCall:
			c := llm.ToolCall{ID: p.CallID, Name: p.Name, Arguments: p.Arguments}
			if len(p.Arguments) == 0 {
				c.ArgumentsText = p.Text
			}
			call := &past{id: c.ID, name: c.Name}
			call.leaves, call.complete = Leaves(c)
			s.called(call, int(n))
		case llm.PartToolResult:
			s.result(p, n, int32(i))
		case llm.PartText, llm.PartFile:
			switch {
			case p.Text == "":
			case m.Role == llm.RoleTool:
				s.result(p, n, int32(i))
			case m.Role == llm.RoleUser:
				s.put(source{read: s.a.read(p.Text, byUser), message: n, part: int32(i), role: m.Role})
			case m.Role == llm.RoleSystem:
				s.put(source{read: s.a.read(p.Text, bySystem), message: n, part: int32(i), role: m.Role})
			}
		}
	}
}

// maxMails bounds how many addresses are remembered.
const maxMails = 4096

// maxLooked bounds how many arguments of reading calls are remembered.
const maxLooked = 4096

func (s *Session) result(p *llm.Part, message, part int32) {
	if strings.TrimSpace(p.Text) == "" {
		return
	}
	src := source{read: s.a.read(p.Text, byTool), message: message, part: part, role: llm.RoleTool}
	src.call = s.calls[p.CallID]
	if src.call == nil && p.CallID == "" {
		src.call = s.now.last
	}
	name := p.Name
	var leaves []Leaf
	if src.call != nil {
		name, leaves = src.call.name, src.call.leaves
	}
	src.tool = s.toolNamed(name)
	if s.trustOf != nil {
		src.trust = s.trustOf(name, leaves, p.Text)
	}
	src.tainted = len(src.read.marks) > 0
	s.put(src)
}
