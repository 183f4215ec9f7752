package fact

import (
	"container/list"
	"hash/maphash"
	"strings"
	"sync"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// Analyzer reads texts and tools and remembers what it read, so that a history
// that was seen before costs no second reading. What it remembers has one bound, in
// bytes; what was used longest ago goes first, and costs a second reading when it
// comes again. It is safe for concurrent use.
type Analyzer struct {
	seed   maphash.Seed
	secret func(string) string

	mu    sync.Mutex
	max   int
	used  int
	clock uint64 // counts the uses

	texts     map[textKey]*reading
	idle      list.List // of *reading that no chain has, the last used first
	idleBytes int
	at        map[uint64]*chain
	chains    list.List // of *chain, the last used first

	tools     map[uint64]*Tool
	kits      map[uint64]map[string]*Tool
	toolBytes int

	held      map[string]*held    // by id
	heldAt    map[uint64]*stretch // of requests, by what stands for all their messages
	holding   list.List           // of *held, the last used first
	heldBytes int
}

// defaultBytes is how much an analyzer keeps if nothing else is said.
const defaultBytes = 24 << 20

// NewAnalyzer returns an analyzer that keeps about maxBytes of what it read;
// 0 means 24 MiB.
func NewAnalyzer(maxBytes int) *Analyzer {
	if maxBytes <= 0 {
		maxBytes = defaultBytes
	}
	return &Analyzer{
		seed: maphash.MakeSeed(), max: maxBytes, texts: map[textKey]*reading{}, at: map[uint64]*chain{},
		tools: map[uint64]*Tool{}, kits: map[uint64]map[string]*Tool{}, held: map[string]*held{}, heldAt: map[uint64]*stretch{},
	}
}

// DetectSecrets makes the analyzer look for known secrets in the arguments of
// calls. find returns the kind of secret that a text holds, or "". It is to be
// called before the analyzer is used.
func (a *Analyzer) DetectSecrets(find func(text string) (kind string)) { a.secret = find }

// Bytes returns about how many bytes the analyzer keeps.
func (a *Analyzer) Bytes() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.used
}

// tick counts a use. It is called under a.mu, like all below but tool and kit.
func (a *Analyzer) tick() uint64 {
	a.clock++
	return a.clock
}

// shrink lets go what was used longest ago until the rest is within the bound. Texts
// that no chain has may take an eighth: most of them will not come again.
func (a *Analyzer) shrink() {
	for a.idleBytes > a.max/8 && a.idle.Len() > 0 {
		a.forgetText(a.idle.Back().Value.(*reading))
	}
	for a.used > a.max {
		text, ch := a.idle.Back(), a.chains.Back()
		switch {
		case text != nil && (ch == nil || text.Value.(*reading).used <= ch.Value.(*chain).used):
			a.forgetText(text.Value.(*reading))
		case ch != nil:
			a.forgetChain(ch.Value.(*chain))
		case a.toolBytes > 0:
			a.forgetTools()
		default:
			return // histories have a bound of their own
		}
	}
}

func (a *Analyzer) forgetTools() {
	clear(a.tools)
	clear(a.kits)
	a.used -= a.toolBytes
	a.toolBytes = 0
}

// keepTools counts what was remembered of tools. They may take a sixteenth of all.
func (a *Analyzer) keepTools(bytes int) {
	a.toolBytes += bytes
	a.used += bytes
	if a.toolBytes > a.max/16 {
		a.forgetTools()
	}
}

// tool returns the description of a tool.
func (a *Analyzer) tool(t llm.Tool) *Tool {
	key := t.Sum()
	a.mu.Lock()
	out, ok := a.tools[key]
	a.mu.Unlock()
	if ok {
		return out
	}
	t.Name = strings.Clone(t.Name) // it may be a piece of something large
	out = ToolOf(t)
	a.mu.Lock()
	defer a.mu.Unlock()
	if known, ok := a.tools[key]; ok {
		return known
	}
	a.tools[key] = out
	a.keepTools(out.size())
	return out
}

func (t *Tool) size() int { return 160 + len(t.Name) + 8*cap(t.words) }

// kit returns the descriptions of the tools that a request declares, by name.
func (a *Analyzer) kit(tools []llm.Tool) map[string]*Tool {
	if len(tools) == 0 {
		return nil
	}
	key := a.kitKey(tools)
	a.mu.Lock()
	kit, ok := a.kits[key]
	a.mu.Unlock()
	if ok {
		return kit
	}
	kit = make(map[string]*Tool, len(tools))
	for _, t := range tools {
		out := a.tool(t)
		kit[out.Name] = out
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.kits[key]; !ok {
		a.kits[key] = kit
		a.keepTools(96 + mapEntry(24)*len(kit))
	}
	return kit
}

func (a *Analyzer) kitKey(tools []llm.Tool) uint64 {
	key := uint64(len(tools))
	for i := range tools {
		key = a.step(key, tools[i].Sum())
	}
	return key
}
