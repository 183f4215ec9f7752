package fact

import (
	"container/list"
	"hash/maphash"
	"slices"
	"unsafe"

	"github.com/archestra-ai/archestra-cli/pkg/policy/lex"
)

// reading is all that is known of one text by itself, whoever sent it.
type reading struct {
	doc     *lex.Doc
	clauses []clause
	heads   []head     // the fields that say whose an item is, by item
	names   []name     // what the user called by its name, in order
	secret  bool       // it speaks of passwords, codes or keys
	marks   []lex.Mark // attack wording, hidden characters, requests behind an encoding

	// Under Analyzer.mu.
	key   textKey
	bytes int
	kept  bool          // it is counted
	pins  int           // how many chains have it
	idle  *list.Element // where none has
	used  uint64
}

// voice is whose words a text is. It says what is looked for in it.
type voice uint8

const (
	byTool voice = iota
	byUser
	bySystem // words alone
)

type textKey struct {
	hash uint64
	len  int
	by   voice
}

func read(text string, by voice) *reading {
	r := &reading{}
	switch by {
	case bySystem:
		r.doc = lex.Words(text)
	case byUser:
		r.doc = lex.Plain(text)
		r.clauses = clauses(r.doc)
		r.names = namesIn(r.doc)
		slices.SortStableFunc(r.names, func(a, b name) int { return int(a.at) - int(b.at) })
	default:
		r.doc = lex.New(text)
		r.clauses = clauses(r.doc)
		r.secret = speaksOfSecrets(r.doc)
		r.heads = heads(r.doc)
		r.marks = append(wording(r.doc), r.doc.Hidden...)
		for _, cl := range r.clauses {
			if cl.encoded && cl.verbs&acting != 0 && cl.last-cl.first >= 4 {
				t := r.doc.Tokens[cl.first]
				r.marks = append(r.marks, lex.Mark{Start: t.Start, End: t.End, What: "a request behind an encoding"})
			}
		}
	}
	r.bytes = r.size()
	return r
}

// Sizes in bytes.
const (
	tokenBytes  = int(unsafe.Sizeof(lex.Token{}))
	clauseBytes = int(unsafe.Sizeof(clause{}))
	nameBytes   = int(unsafe.Sizeof(name{}))
	headBytes   = int(unsafe.Sizeof(head{}))
	markBytes   = int(unsafe.Sizeof(lex.Mark{}))
)

// size is about how many bytes the reading holds: its own, the entry in the table of
// texts, and an eighth for what an allocator rounds up.
func (r *reading) size() int {
	n := int(unsafe.Sizeof(*r)) + mapEntry(32) + 64 + r.doc.Size()
	n += clauseBytes*cap(r.clauses) + headBytes*cap(r.heads) + markBytes*cap(r.marks) + nameBytes*cap(r.names)
	for i := range r.names {
		n += 8 * cap(r.names[i].tokens)
	}
	return n + n/8
}

// read returns the reading of a text.
func (a *Analyzer) read(text string, by voice) *reading {
	key := textKey{maphash.String(a.seed, text), len(text), by}
	a.mu.Lock()
	r, ok := a.texts[key]
	if ok && r.idle != nil {
		r.used = a.tick()
		a.idle.MoveToFront(r.idle)
	}
	a.mu.Unlock()
	if ok {
		return r
	}
	r = read(text, by)
	r.key = key

	a.mu.Lock()
	defer a.mu.Unlock()
	if known, ok := a.texts[key]; ok {
		return known
	}
	a.texts[key] = r
	a.keep(r)
	r.used = a.tick()
	r.idle = a.idle.PushFront(r)
	a.idleBytes += r.bytes
	a.shrink()
	return r
}

// keep counts a reading.
func (a *Analyzer) keep(r *reading) {
	if !r.kept {
		r.kept = true
		a.used += r.bytes
	}
}

// pin notes that one chain more has a reading.
func (a *Analyzer) pin(r *reading) {
	if r.pins++; r.pins > 1 {
		return
	}
	if r.idle != nil {
		a.wake(r)
	}
	a.keep(r) // it may have been let go of meanwhile
	if _, ok := a.texts[r.key]; !ok {
		a.texts[r.key] = r
	}
}

// unpin notes that one chain less has a reading. Where none has it, it waits with the
// others to be used again, if it is recent; else it is the next to go.
func (a *Analyzer) unpin(r *reading, recent bool) {
	if r.pins--; r.pins > 0 {
		return
	}
	a.idleBytes += r.bytes
	if recent {
		r.used = a.tick()
		r.idle = a.idle.PushFront(r)
	} else {
		r.used = 0
		r.idle = a.idle.PushBack(r)
	}
}

// wake takes a reading off the list of those that no chain has.
func (a *Analyzer) wake(r *reading) {
	a.idle.Remove(r.idle)
	r.idle = nil
	a.idleBytes -= r.bytes
}

func (a *Analyzer) forgetText(r *reading) {
	a.wake(r)
	r.kept = false
	a.used -= r.bytes
	if a.texts[r.key] == r {
		delete(a.texts, r.key)
	}
}

var secretWords = hashes("password passwd passphrase secret otp pin cvv")

func speaksOfSecrets(d *lex.Doc) bool {
	for i := range d.Tokens {
		if secretWords[d.Tokens[i].Hash] {
			return true
		}
	}
	return false
}
