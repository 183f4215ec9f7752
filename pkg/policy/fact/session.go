package fact

import (
	"slices"
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
	message int
	part    int
	role    llm.Role
	trust   Trust
	tool    *Tool
	call    *past             // what it answers, where that is known
	named   bool              // the user named what was asked for: the page, the file, the inbox
	tainted bool              // the reading has marks
	vouched map[uint32]naming // by record, as far as it was asked
	names   []name            // of the user's texts, in order
}

// past is a call that the model made before.
type past struct {
	name   string
	leaves []Leaf
}

type ref struct{ source, token int32 }

type clauseRef struct{ source, clause int32 }

// Session is what is known of one conversation. It grows message by message and
// costs what is new. It is not safe for concurrent use.
type Session struct {
	a       *Analyzer
	trustOf TrustFunc
	labels  Labels
	length  int // messages

	sources []source
	index   map[uint64][]ref      // every token of every source
	spoken  map[uint64][]ref      // every token of the user's
	asks    map[Verbs][]clauseRef // sentences of tool results, by each kind of doing
	wishes  []clauseRef           // sentences of the user
	names   []name                // what the user called by its name
	places  map[place]bool        // hosts and paths that the user wrote
	folders []string              // paths that the user wrote
	looked  []Leaf                // what reading calls asked for
	mails   map[string]bool       // addresses that tool results hold
	owners  map[uint64]int        // in how many of them a word stands before the @
	calls   map[string]*past
	last    *past  // for results that carry no call id
	effect  *Facts // of the last call that acts, but for those that only confirm
	tools   map[string]*Tool
	doubt   *Seen // see Facts.Doubt
	obey    bool  // the user told the agent to do what some text says
}

type place struct {
	kind lex.IdentKind
	key  string
}

// NewSession begins an empty conversation. trustOf tells how far a tool result is
// believed; nil believes none.
func (a *Analyzer) NewSession(trustOf TrustFunc) *Session {
	return &Session{
		a: a, trustOf: trustOf,
		index: map[uint64][]ref{}, spoken: map[uint64][]ref{}, owners: map[uint64]int{}, asks: map[Verbs][]clauseRef{}, places: map[place]bool{},
		mails: map[string]bool{}, calls: map[string]*past{}, tools: map[string]*Tool{},
	}
}

// Labels tells what the session has seen so far.
func (s *Session) Labels() Labels { return s.labels }

// StartUntrusted makes the session untrusted from its beginning.
func (s *Session) StartUntrusted() { s.labels.Untrusted = true }

// Declare makes the tools of a request known by their schemas.
func (s *Session) Declare(tools []llm.Tool) {
	for _, t := range tools {
		s.tools[t.Name] = s.a.tool(t)
	}
}

func (s *Session) toolNamed(name string) *Tool {
	if t, ok := s.tools[name]; ok {
		return t
	}
	t := s.a.tool(llm.Tool{Name: name})
	s.tools[name] = t
	return t
}

// System adds instructions that stand outside the messages.
func (s *Session) System(parts []llm.Part) {
	for i, p := range parts {
		if p.Text != "" {
			s.add(source{read: s.a.read(p.Text, true), message: -1, part: i, role: llm.RoleSystem})
		}
	}
}

// Append adds the next message.
func (s *Session) Append(m llm.Message) {
	n := s.length
	s.length++
	for i := range m.Parts {
		p := &m.Parts[i]
		switch p.Kind {
		case llm.PartToolCall:
			c := llm.ToolCall{ID: p.CallID, Name: p.Name, Arguments: p.Arguments}
			if len(p.Arguments) == 0 {
				c.ArgumentsText = p.Text
			}
			s.called(c)
		case llm.PartToolResult:
			s.result(p, n, i)
		case llm.PartText, llm.PartFile:
			switch {
			case p.Text == "":
			case m.Role == llm.RoleTool:
				s.result(p, n, i)
			case m.Role == llm.RoleUser, m.Role == llm.RoleSystem:
				s.add(source{read: s.a.read(p.Text, true), message: n, part: i, role: m.Role})
			}
		}
	}
}

// called notes a call that the model made. What it says is no source: the model
// only passes on what others wrote.
func (s *Session) called(c llm.ToolCall) {
	t := s.toolNamed(c.Name)
	if t.Acts() && t.Verbs != Prove && !t.Local {
		s.effect = s.Facts(c)
	}
	leaves, _ := Leaves(c)
	p := &past{name: c.Name, leaves: leaves}
	s.last = p
	if c.ID != "" {
		s.calls[c.ID] = p
	}
	if t.Class <= ClassOpenRead {
		for i := range leaves {
			if leaves[i].Role == Names && len(s.looked) < maxLooked {
				s.looked = append(s.looked, leaves[i])
			}
		}
	}
}

// maxMails bounds how many addresses are remembered.
const maxMails = 4096

// maxLooked bounds how many arguments of reading calls are remembered.
const maxLooked = 4096

func (s *Session) result(p *llm.Part, message, part int) {
	if strings.TrimSpace(p.Text) == "" {
		return
	}
	src := source{read: s.a.read(p.Text, false), message: message, part: part, role: llm.RoleTool}
	src.call = s.calls[p.CallID]
	if src.call == nil && p.CallID == "" {
		src.call = s.last
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
	src.named = src.tool.holdsTexts() && s.namedCall(leaves)
	if src.trust != Trusted && len(src.read.doc.Tokens) >= fewWords {
		s.labels.Untrusted = true
		s.labels.Tainted = s.labels.Tainted || src.tainted
		s.doubts(&src, p.Text)
	}
	if src.tool.Class == ClassRead && src.tool.Nouns&(Message|Money|File|Profile|Password|KeyNoun|Repo|Event|Person) != 0 {
		s.labels.Private = true
	}
	if src.tool.Class == ClassRead && src.tool.Nouns&(Password|KeyNoun) != 0 || src.read.secret {
		s.labels.Secret = true
	}
	s.add(src)
}

// fewWords is how many words a result must have to count as a text that somebody
// may have written: "None", "ok" and "2 rows" say nothing.
const fewWords = 3

// doubts notes why the session is untrusted.
func (s *Session) doubts(src *source, text string) {
	if s.doubt != nil && (s.doubt.Tainted || !src.tainted) {
		return
	}
	s.doubt = &Seen{Origin: Prose, Message: src.message, Part: src.part, Tool: src.tool.Name, End: len(text)}
	if src.tainted {
		m := src.read.marks[0]
		s.doubt.Key, s.doubt.Start, s.doubt.End, s.doubt.Tainted = m.What, int(m.Start), int(m.End), true
	}
}

func (s *Session) add(src source) {
	n := int32(len(s.sources))
	s.sources = append(s.sources, src)
	d := src.read.doc
	for i, t := range d.Tokens {
		if t.Hash != 0 {
			s.index[t.Hash] = append(s.index[t.Hash], ref{n, int32(i)})
		}
	}
	switch src.role {
	case llm.RoleUser:
		for i, t := range d.Tokens {
			if t.Hash != 0 {
				s.spoken[t.Hash] = append(s.spoken[t.Hash], ref{n, int32(i)})
			}
		}
		s.said(n, src.read)
	case llm.RoleTool:
		for i := range d.Idents {
			if id := &d.Idents[i]; id.Kind == lex.Email && len(s.mails) < maxMails {
				s.mail(id.Key)
			}
		}
		if src.trust == Trusted || src.tool.Acts() && src.tool.Nouns&Web == 0 {
			break // what a tool reports of its own doing asks for nothing
		}
		for i := range src.read.clauses {
			cl := &src.read.clauses[i]
			for v := cl.verbs | cl.mine; v != 0; v &= v - 1 {
				bit := v & -v
				s.asks[bit] = append(s.asks[bit], clauseRef{n, int32(i)})
			}
		}
	}
}

// mail notes an address that a tool result holds.
func (s *Session) mail(address string) {
	if s.mails[address] {
		return
	}
	s.mails[address] = true
	words := localPart(address)
	for i, t := range words {
		if !slices.ContainsFunc(words[:i], func(o lex.Token) bool { return o.Hash == t.Hash }) {
			s.owners[t.Hash]++
		}
	}
}

// said takes in what the user wrote.
func (s *Session) said(n int32, r *reading) {
	for i := range r.clauses {
		cl := &r.clauses[i]
		s.wishes = append(s.wishes, clauseRef{n, int32(i)})
		s.obey = s.obey || cl.verbs&Obey != 0 && cl.nouns&Task != 0
	}
	names := namesIn(r.doc)
	slices.SortStableFunc(names, func(a, b name) int { return int(a.at) - int(b.at) })
	s.sources[n].names = names
	s.names = append(s.names, names...)
	defer s.renamed()
	for _, id := range r.doc.Idents {
		if id.Kind == lex.Host || id.Kind == lex.Path {
			s.places[place{id.Kind, id.Key}] = true
			if id.Kind == lex.Path && len(id.Key) > 2 {
				s.folders = append(s.folders, strings.TrimRight(id.Key, "/"))
			}
		}
	}
}
