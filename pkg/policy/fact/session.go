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

// source is one text of a conversation in its place.
type source struct {
	read    *reading
	message int
	part    int
	role    llm.Role
	trust   Trust
	tool    *Tool
	call    *past // what it answers, where that is known
	named   bool  // the user named what was asked for: the page, the file, the inbox
	tainted bool  // attack wording or hidden characters stand in it
	// vouched caches, per record, whether the user named the record.
	vouched map[uint32]naming
}

// past is a call that the model made before.
type past struct {
	name   string
	leaves []Leaf
	raw    string
}

type ref struct{ source, token int32 }

// Session is what is known of one conversation. It grows message by message and
// costs what is new. It is not safe for concurrent use.
type Session struct {
	a       *Analyzer
	sources []source
	index   map[uint64][]ref
	calls   map[string]*past
	last    *past  // for results that carry no call id
	effect  *Facts // of the last call that acts, but for those that only confirm
	tools   map[string]*Tool
	names   []name
	user    []int32 // sources that the user wrote
	length  int     // messages

	// TrustOf tells how far a tool result is believed; nil means not at all.
	trustOf func(tool string, args []Leaf, text string) Trust
	labels  Labels
}

// Labels say what a session has seen.
type Labels struct {
	Untrusted bool `json:"untrusted,omitempty"` // a tool result that nobody vouches for
	Tainted   bool `json:"tainted,omitempty"`   // attack wording or hidden characters
	Private   bool `json:"private,omitempty"`   // what the user's own accounts hold: mail, files, profile
	Secret    bool `json:"secret,omitempty"`    // passwords, keys, codes
}

// name is something that the user called by its name.
type name struct {
	tokens []uint64
	strong bool   // quoted, or an identifier
	at     uint32 // its first token
}

// NewSession begins an empty conversation. trustOf tells how far a tool result is
// believed; nil believes none.
func (a *Analyzer) NewSession(trustOf func(tool string, args []Leaf, text string) Trust) *Session {
	return &Session{a: a, index: map[uint64][]ref{}, calls: map[string]*past{}, tools: map[string]*Tool{}, trustOf: trustOf}
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

func (s *Session) called(c llm.ToolCall) {
	leaves, _ := Leaves(c)
	p := &past{name: c.Name, leaves: leaves, raw: string(c.Arguments) + c.ArgumentsText}
	s.last = p
	if t := s.toolNamed(c.Name); t.Class >= ClassEffect && t.Verbs != Prove && !t.Local {
		s.effect = s.Facts(c)
	}
	if c.ID != "" {
		s.calls[c.ID] = p
	}
}

func (s *Session) result(p *llm.Part, message, part int) {
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
	if strings.TrimSpace(p.Text) == "" {
		return
	}
	src.tainted = len(src.read.marks) > 0
	// Only of what holds texts does naming mean pointing at them: to name a hotel is
	// not to vouch for its reviews.
	src.named = src.tool.Nouns&(File|Message|Channel|Web|Repo|Issue) != 0 && s.namedCall(leaves)
	if src.trust != Trusted {
		s.labels.Untrusted = true
		s.labels.Tainted = s.labels.Tainted || src.tainted
	}
	if src.tool.Class == ClassRead && src.tool.Nouns&(Message|Money|File|Profile|Password|KeyNoun|Repo|Event|Person) != 0 {
		s.labels.Private = true
	}
	if src.tool.Nouns&(Password|KeyNoun) != 0 && src.tool.Class == ClassRead || speaksOfSecrets(src.read.doc) {
		s.labels.Secret = true
	}
	s.add(src)
}

var secretWords = hashes("password passwd passphrase secret otp pin cvv")

func speaksOfSecrets(d *lex.Doc) bool {
	for _, t := range d.Tokens {
		if secretWords[t.Hash] {
			return true
		}
	}
	return false
}

func (s *Session) add(src source) {
	n := int32(len(s.sources))
	s.sources = append(s.sources, src)
	for i, t := range src.read.doc.Tokens {
		if t.Hash != 0 {
			s.index[t.Hash] = append(s.index[t.Hash], ref{n, int32(i)})
		}
	}
	if src.role == llm.RoleUser {
		s.user = append(s.user, n)
		s.names = append(s.names, namesIn(src.read.doc)...)
	}
}

// namesIn finds what a person calls by its name: what stands in quotes,
// identifiers, and words with a capital.
func namesIn(d *lex.Doc) []name {
	var out []name
	put := func(first, last int, strong bool) {
		if first >= last {
			return
		}
		n := name{strong: strong, at: uint32(first)}
		for _, t := range d.Tokens[first:last] {
			n.tokens = append(n.tokens, t.Hash)
		}
		if len(n.tokens) == 1 && (stop[n.tokens[0]] || d.Tokens[first].End-d.Tokens[first].Start < 2) {
			return
		}
		if formatName(d, first, last) {
			return
		}
		out = append(out, n)
	}
	for _, id := range d.Idents {
		if id.Form == lex.Encoded {
			continue
		}
		a, b := d.Between(id.Start, id.End)
		if id.Kind == lex.Host {
			for a < b && (d.Word(a) == "www" || d.Word(a) == "http" || d.Word(a) == "https") {
				a++
			}
		}
		put(a, b, true)
	}
	text := d.Text
	for i := 0; i < len(text); i++ {
		q := text[i]
		if q != '"' && q != '\'' && q != '`' || i > 0 && isAlnum(text[i-1]) {
			continue
		}
		for j := i + 1; j < len(text) && j-i < 120 && text[j] != '\n'; j++ {
			if text[j] == q && (j+1 == len(text) || !isAlnum(text[j+1])) {
				a, b := d.Between(uint32(i), uint32(j))
				put(a, b, true)
				i = j
				break
			}
		}
	}
	for i := 0; i < len(d.Tokens); i++ {
		if !capital(d, i) || stop[d.Tokens[i].Hash] {
			continue
		}
		j := i + 1
		for j < len(d.Tokens) && capital(d, j) && d.Tokens[j].Start-d.Tokens[j-1].End == 1 && text[d.Tokens[j-1].End] == ' ' {
			j++
		}
		if j-i == 1 && startsSentence(d, i) && vocabulary[d.Tokens[i].Hash].verb != 0 {
			continue
		}
		put(i, j, false)
		i = j - 1
	}
	return out
}

var formatWords = hashes("yyyy yy mm dd hh ss mmm")

// formatName tells of a pattern such as 'YYYY-MM-DD', which names nothing.
func formatName(d *lex.Doc, first, last int) bool {
	for _, t := range d.Tokens[first:last] {
		if !formatWords[t.Hash] {
			return false
		}
	}
	return true
}

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func capital(d *lex.Doc, i int) bool {
	t := d.Tokens[i]
	c := d.Text[t.Start]
	return 'A' <= c && c <= 'Z' && t.Form != lex.Encoded
}

func startsSentence(d *lex.Doc, i int) bool {
	if i == 0 {
		return true
	}
	gap := d.Text[d.Tokens[i-1].End:d.Tokens[i].Start]
	return strings.ContainsAny(gap, ".!?\n:")
}

// namedCall tells whether the user named what a reading call asked for.
func (s *Session) namedCall(leaves []Leaf) bool {
	for i := range leaves {
		l := &leaves[i]
		if l.Role != Names || len(l.tokens) == 0 {
			continue
		}
		if s.byUser(l) {
			return true
		}
	}
	return false
}

// byUser tells whether the user wrote the value of a leaf, or of a path or a URL
// the place that it lies in.
func (s *Session) byUser(l *Leaf) bool {
	switch l.Kind {
	case lex.Host, lex.Path:
		if s.userPlace(l.Kind, l.Key) {
			return true
		}
	}
	if len(l.tokens) == 1 && (stop[l.tokens[0].Hash] || l.tokens[0].End-l.tokens[0].Start < 2) {
		return false
	}
	return s.userSaid(l.tokens)
}

// userPlace tells whether the user named a host, or a folder above a path or a
// file of that name.
func (s *Session) userPlace(kind lex.IdentKind, key string) bool {
	if strings.Contains(key, "..") {
		return false
	}
	for _, n := range s.user {
		for _, id := range s.sources[n].read.doc.Idents {
			if id.Kind != kind {
				continue
			}
			if id.Key == key || kind == lex.Path &&
				(len(id.Key) > 2 && strings.HasPrefix(key, strings.TrimRight(id.Key, "/")+"/") || strings.HasSuffix(key, "/"+id.Key)) {
				return true
			}
		}
	}
	return false
}

func (s *Session) userSaid(tokens []lex.Token) bool {
	for _, n := range s.user {
		if phraseIn(s.sources[n].read.doc, tokens) >= 0 {
			return true
		}
	}
	return false
}

// phraseIn returns the first token of a phrase in a doc, or -1.
func phraseIn(d *lex.Doc, phrase []lex.Token) int {
	if len(phrase) == 0 {
		return -1
	}
outer:
	for i := 0; i+len(phrase) <= len(d.Tokens); i++ {
		for k := range phrase {
			if d.Tokens[i+k].Hash != phrase[k].Hash {
				continue outer
			}
		}
		return i
	}
	return -1
}
