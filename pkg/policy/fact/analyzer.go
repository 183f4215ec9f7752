package fact

import (
	"container/list"
	"hash/maphash"
	"sync"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy/lex"
)

// reading is all that is known of one text by itself, whoever sent it.
type reading struct {
	doc     *lex.Doc
	clauses []clause
	heads   map[uint32][]head // by item, the fields that say whose it is
	secret  bool              // it speaks of passwords, codes or keys
	marks   []lex.Mark        // attack wording, hidden characters, requests behind an encoding
}

func (r *reading) size() int {
	return len(r.doc.Text) + 24*len(r.doc.Tokens) + 40*len(r.doc.Cells) + 48*len(r.doc.Idents) + 32*len(r.clauses) + 48*len(r.heads) + 200
}

// Analyzer reads texts and tools and remembers what it read, so that a history
// that was seen before costs no second reading. It is safe for concurrent use.
type Analyzer struct {
	seed   maphash.Seed
	secret func(string) string

	mu    sync.Mutex
	max   int
	used  int
	texts map[textKey]*list.Element
	order *list.List // of cached, the last used first
	tools map[uint64]*Tool

	held     map[string]*history // histories that the provider keeps, by its id
	chains   map[chainKey]*chain
	sizes    map[chainKey]int // of chains, about
	chained  int              // the sum of sizes
	kept     int              // bytes of held
	requests uint64
}

type textKey struct {
	hash  uint64
	len   int
	plain bool
}

type cached struct {
	key  textKey
	read *reading
}

// NewAnalyzer returns an analyzer that keeps about maxBytes of what it read;
// 0 means 64 MiB.
func NewAnalyzer(maxBytes int) *Analyzer {
	if maxBytes <= 0 {
		maxBytes = 64 << 20
	}
	a := &Analyzer{seed: maphash.MakeSeed(), max: maxBytes, texts: map[textKey]*list.Element{}, order: list.New(), tools: map[uint64]*Tool{}, chains: map[chainKey]*chain{}, sizes: map[chainKey]int{}, held: map[string]*history{}}
	return a
}

// DetectSecrets makes the analyzer look for known secrets in the arguments of
// calls. find returns the kind of secret that a text holds, or "". It is to be
// called before the analyzer is used.
func (a *Analyzer) DetectSecrets(find func(text string) (kind string)) { a.secret = find }

// read returns the reading of a text. plain tells that a person wrote it.
func (a *Analyzer) read(text string, plain bool) *reading {
	key := textKey{maphash.String(a.seed, text), len(text), plain}
	a.mu.Lock()
	if e, ok := a.texts[key]; ok {
		a.order.MoveToFront(e)
		a.mu.Unlock()
		return e.Value.(*cached).read
	}
	a.mu.Unlock()

	r := &reading{}
	if plain {
		r.doc = lex.Plain(text)
	} else {
		r.doc = lex.New(text)
	}
	r.clauses = clauses(r.doc)
	if !plain {
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

	a.mu.Lock()
	defer a.mu.Unlock()
	if e, ok := a.texts[key]; ok {
		return e.Value.(*cached).read
	}
	a.texts[key] = a.order.PushFront(&cached{key, r})
	a.used += r.size()
	for a.used > a.max && a.order.Len() > 1 {
		last := a.order.Back()
		old := a.order.Remove(last).(*cached)
		delete(a.texts, old.key)
		a.used -= old.read.size()
	}
	return r
}

// maxTools bounds the cache of tools; it is emptied when it is full.
const maxTools = 4096

// tool returns the description of a tool.
func (a *Analyzer) tool(t llm.Tool) *Tool {
	key := t.Sum()
	a.mu.Lock()
	out, ok := a.tools[key]
	a.mu.Unlock()
	if ok {
		return out
	}
	out = ToolOf(t)
	a.mu.Lock()
	if len(a.tools) >= maxTools {
		clear(a.tools)
	}
	a.tools[key] = out
	a.mu.Unlock()
	return out
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
