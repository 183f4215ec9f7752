package fact

import (
	"slices"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy/lex"
)

// called puts a call on that the model made. What it says is no source: the model
// only passes on what others wrote.
func (s *Session) called(p *past, message int) {
	st := step{message: message, call: p, before: s.now}
	t := s.toolNamed(p.name)
	if t.Acts() && t.Verbs != Prove && !t.Local {
		s.now.effect = len(s.steps) + 1
	}
	s.now.last = p
	if p.id != "" {
		st.other = s.calls[p.id]
		s.calls[p.id] = p
	}
	if t.Class <= ClassOpenRead {
		for i := range p.leaves {
			if p.leaves[i].Role == Names && len(s.looked) < maxLooked {
				s.sought.push(int32(len(s.looked)), p.leaves[i].tokens)
				s.looked = append(s.looked, &p.leaves[i])
			}
		}
		s.now.looked = len(s.looked)
	}
	s.steps = append(s.steps, st)
	s.bytes += p.size()
}

// put puts a text on.
func (s *Session) put(src source) {
	n := int32(len(s.sources))
	s.steps = append(s.steps, step{message: int(src.message), before: s.now})
	src.asOf = 0
	s.sources = append(s.sources, src)
	d := src.read.doc
	s.index.push(n, d.Tokens)
	switch src.role {
	case llm.RoleUser:
		s.spoken.push(n, d.Tokens)
		s.said(n, src.read)
	case llm.RoleTool:
		s.label(&src)
		s.returned(n, &src)
	}
}

// label notes what a tool result makes of the session.
func (s *Session) label(src *source) {
	if src.trust != Trusted && len(src.read.doc.Tokens) >= fewWords {
		s.now.labels.Untrusted = true
		s.now.labels.Tainted = s.now.labels.Tainted || src.tainted
		s.doubts(src)
	}
	t := src.tool
	if t.Class == ClassRead && t.Nouns&(Message|Money|File|Profile|Password|KeyNoun|Repo|Event|Person) != 0 {
		s.now.labels.Private = true
	}
	if t.Class == ClassRead && t.Nouns&(Password|KeyNoun) != 0 || src.read.secret {
		s.now.labels.Secret = true
	}
}

// fewWords is how many words a result must have to count as a text that somebody
// may have written: "None", "ok" and "2 rows" say nothing.
const fewWords = 3

// doubts notes why the session is untrusted.
func (s *Session) doubts(src *source) {
	doubt := s.now.doubt
	if doubt != nil && (doubt.Tainted || !src.tainted) {
		return
	}
	doubt = &Seen{Origin: Prose, Message: int(src.message), Part: int(src.part), Tool: src.tool.Name, End: len(src.read.doc.Text)}
	if src.tainted {
		m := src.read.marks[0]
		doubt.Key, doubt.Start, doubt.End, doubt.Tainted = m.What, int(m.Start), int(m.End), true
	}
	s.now.doubt = doubt
}

// returned takes in what a tool returned.
func (s *Session) returned(n int32, src *source) {
	d := src.read.doc
	for i := range d.Idents {
		if id := &d.Idents[i]; id.Kind == lex.Email && len(s.mails) < maxMails {
			s.mail(id.Key, n)
		}
	}
	if !src.solicits() {
		return
	}
	for i := range src.read.clauses {
		cl := &src.read.clauses[i]
		for v := cl.verbs | cl.mine; v != 0; v &= v - 1 {
			bit := v & -v
			s.asks[bit] = append(s.asks[bit], clauseRef{n, int32(i)})
		}
	}
}

// solicits tells whether sentences of a result can ask for something: what a tool
// reports of its own doing asks for nothing.
func (src *source) solicits() bool {
	return src.trust != Trusted && !(src.tool.Acts() && src.tool.Nouns&Web == 0)
}

// mail notes an address that a tool result holds.
func (s *Session) mail(address string, n int32) {
	if _, ok := s.mails[address]; ok {
		return
	}
	s.mails[address] = n
	for h := range ownerWords(address) {
		s.owners[h]++
	}
}

func (s *Session) unmail(address string) {
	delete(s.mails, address)
	for h := range ownerWords(address) {
		if s.owners[h]--; s.owners[h] == 0 {
			delete(s.owners, h)
		}
	}
}

// ownerWords goes through the words of an address that can be a name, each once.
func ownerWords(address string) func(yield func(uint64) bool) {
	words := localPart(address)
	return func(yield func(uint64) bool) {
		for i, t := range words {
			if !slices.ContainsFunc(words[:i], func(o lex.Token) bool { return o.Hash == t.Hash }) && !yield(t.Hash) {
				return
			}
		}
	}
}

// said takes in what the user wrote.
func (s *Session) said(n int32, r *reading) {
	for i := range r.clauses {
		cl := &r.clauses[i]
		s.wishes = append(s.wishes, clauseRef{n, int32(i)})
		s.now.obey = s.now.obey || cl.verbs&Obey != 0 && cl.nouns&Task != 0
	}
	s.now.wishes = len(s.wishes)
	s.voices = append(s.voices, n)
	for i := range r.doc.Idents {
		id := &r.doc.Idents[i]
		if id.Kind != lex.Host && id.Kind != lex.Path {
			continue
		}
		if _, ok := s.places[place{id.Kind, id.Key}]; !ok {
			s.places[place{id.Kind, id.Key}] = n
		}
		if id.Kind == lex.Path && len(id.Key) > 2 {
			s.folders = append(s.folders, strings.TrimRight(id.Key, "/"))
		}
	}
	s.now.paths = len(s.folders)
	s.heard()
}

// heard takes in that the user's words changed: what was unnamed may be named now,
// or the other way round.
func (s *Session) heard() {
	s.epoch++
	clear(s.items)
}

// back takes the session back to its first n messages.
func (s *Session) back(n int) {
	for len(s.steps) > 0 && s.steps[len(s.steps)-1].message >= n {
		s.pop()
	}
	s.length = n
}

// pop takes the last step off, and returns its source where it had one.
func (s *Session) pop() (st step, src source) {
	st = s.steps[len(s.steps)-1]
	s.steps[len(s.steps)-1] = step{}
	s.steps = s.steps[:len(s.steps)-1]
	if p := st.call; p != nil {
		s.bytes -= p.size()
		if p.id != "" {
			if st.other != nil {
				s.calls[p.id] = st.other
			} else {
				delete(s.calls, p.id)
			}
		}
		for _, l := range slices.Backward(s.looked[st.before.looked:]) {
			s.sought.pop(l.tokens)
		}
		clear(s.looked[st.before.looked:])
		s.looked = s.looked[:st.before.looked]
	} else {
		src = s.take(st.before)
	}
	s.now = st.before
	return st, src
}

// take takes the last source off.
func (s *Session) take(before state) source {
	n := int32(len(s.sources) - 1)
	src := s.sources[n]
	s.sources[n] = source{}
	s.sources = s.sources[:n]
	d := src.read.doc
	s.index.pop(d.Tokens)
	clear(s.items)
	switch src.role {
	case llm.RoleUser:
		s.spoken.pop(d.Tokens)
		s.wishes = s.wishes[:before.wishes]
		s.folders = slices.Clip(s.folders[:before.paths]) // facts share it
		s.voices = s.voices[:len(s.voices)-1]
		for i := range d.Idents {
			if at := (place{d.Idents[i].Kind, d.Idents[i].Key}); s.places[at] == n {
				delete(s.places, at)
			}
		}
		s.heard()
	case llm.RoleTool:
		for i := range d.Idents {
			id := &d.Idents[i]
			if at, ok := s.mails[id.Key]; ok && at == n && id.Kind == lex.Email {
				s.unmail(id.Key)
			}
		}
		if !src.solicits() {
			break
		}
		for i := range src.read.clauses {
			cl := &src.read.clauses[i]
			for v := cl.verbs | cl.mine; v != 0; v &= v - 1 {
				asks := s.asks[v&-v]
				s.asks[v&-v] = asks[:len(asks)-1]
			}
		}
	}
	return src
}

// confirmed returns the facts of the last effect as they were when it was proposed:
// the session goes back there for a moment.
func (s *Session) confirmed() *Facts {
	at := s.now.effect - 1
	if at < 0 {
		return nil
	}
	p := s.steps[at].call
	if p.facts != nil {
		return p.facts
	}
	type undone struct {
		step
		source
	}
	var later []undone
	for len(s.steps) > at {
		st, src := s.pop()
		later = append(later, undone{st, src})
	}
	facts := s.factsOf(p.name, p.leaves, p.complete)
	p.facts = facts
	for _, u := range slices.Backward(later) {
		if u.step.call != nil {
			s.called(u.step.call, u.step.message)
		} else {
			s.put(u.source)
		}
	}
	return facts
}

// size is about how many bytes the session holds, the texts that it shares left out.
func (s *Session) size() int {
	n := 1024 + s.bytes + s.index.size() + s.spoken.size() + s.sought.size()
	n += 72*cap(s.sources) + 128*cap(s.steps) + 8*(cap(s.wishes)+cap(s.looked)) + 4*cap(s.voices) + 16*cap(s.folders)
	for _, refs := range s.asks {
		n += 8 * cap(refs)
	}
	n += mapEntry(32)*len(s.places) + mapEntry(20)*len(s.mails) + mapEntry(12)*len(s.owners) + mapEntry(24)*len(s.calls) + mapEntry(12)*len(s.items)
	return n
}

func (p *past) size() int {
	n := 96 + len(p.id) + len(p.name)
	for i := range p.leaves {
		l := &p.leaves[i]
		n += 144 + len(l.Path) + len(l.Value) + tokenBytes*cap(l.tokens)
	}
	if p.facts != nil {
		n += 512 * (1 + len(p.facts.Values) + len(p.facts.Solicited))
	}
	return n
}
