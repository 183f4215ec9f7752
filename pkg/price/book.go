package price

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// Book is a table of prices: the embedded one, under the user's overrides. The
// zero Book has no overrides. It is safe for concurrent use.
type Book struct {
	overrides *overrides

	mu    sync.Mutex
	found atomic.Pointer[map[question]*entry] // never changed once stored
}

// question is what a lookup asks.
type question struct{ provider, model string }

// entry is the answer: a model's effective prices, or nil.
type entry struct {
	model  *model
	source Source
}

// maxFound bounds the answers that are kept: the names come from outside.
const maxFound = 1024

// local are the providers that run on the user's own machine.
var local = map[string]bool{"vllm": true, "ollama": true}

// NewBook returns a book with the user's prices over the embedded ones. The
// error names what is wrong with them.
func NewBook(o Overrides) (*Book, error) {
	c, err := compile(o)
	if err != nil {
		return nil, err
	}
	return &Book{overrides: c}, nil
}

// Version names the prices, overrides included. It is stored with each cost.
func (b *Book) Version() string {
	t, _ := loaded()
	if b.overrides == nil {
		return t.info.Version
	}
	return b.overrides.version(t.info.Version)
}

// Interaction tells what a recorded exchange cost: by the model that the
// response states, or else the one that was asked for. See [Book.Cost].
func (b *Book) Interaction(i *llm.Interaction) (llm.Decimal, Breakdown, bool) {
	var usage llm.Usage
	if i.Usage != nil {
		usage = *i.Usage
	}
	total, bd, ok := b.Cost(i.Provider, i.Model, i.StartedAt, usage, "")
	if !ok && i.RequestModel != "" && i.RequestModel != i.Model && bd.Model == "" {
		return b.Cost(i.Provider, i.RequestModel, i.StartedAt, usage, "")
	}
	return total, bd, ok
}

// Known tells whether a model has a price.
func (b *Book) Known(provider, model string) bool { return b.lookup(provider, model).model != nil }

func (b *Book) lookup(provider, name string) *entry {
	q := question{provider, name}
	found := b.found.Load()
	if found != nil {
		if e := (*found)[q]; e != nil {
			return e
		}
	}
	e := b.resolve(provider, name)
	if len(name) > 256 {
		return e
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	next := map[question]*entry{}
	if found = b.found.Load(); found != nil && len(*found) < maxFound {
		next = maps.Clone(*found)
	}
	next[question{strings.Clone(provider), strings.Clone(name)}] = e
	b.found.Store(&next)
	return e
}

var nothing = &model{name: "local", free: true}

func (b *Book) resolve(provider, name string) *entry {
	ref := parse(name)
	var base *model
	e := &entry{source: SourceTable}
	if local[provider] {
		e.source = SourceLocal
	} else {
		t, _ := loaded()
		base = t.find(provider, ref)
	}
	e.model = base
	if o := b.overrides.find(provider, name, ref, base); o != nil {
		if m := o.over(base, provider, ref.name); m != nil {
			e.source, e.model = SourceOverride, m
		}
	}
	if e.model == nil && e.source == SourceLocal {
		e.model = nothing
	}
	return e
}
