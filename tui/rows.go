package tui

import (
	"sort"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// maxRows is how many interactions the list keeps; the oldest give way.
const maxRows = 100_000

// previewLen bounds the newest text that a row shows, in bytes.
const previewLen = 240

// row is one interaction in the list. Its long texts stay with the server.
type row struct {
	i       *llm.Interaction
	preview string // the newest text or tool call
	written int    // bytes of the answer so far, to guess tokens by
	live    *live  // while it runs
	shown   bool   // the filter picks it
	found   bool   // the server's text search found it
}

// live is the running answer.
type live struct{ text, reasoning []byte }

// before reports whether a stands above b.
func (a *row) before(b *row) bool {
	if !a.i.StartedAt.Equal(b.i.StartedAt) {
		return a.i.StartedAt.Before(b.i.StartedAt)
	}
	return a.i.ID < b.i.ID
}

// rows are all interactions, oldest first, and their sums.
type rows struct {
	most   int // that are kept
	all    []*row
	byID   map[string]*row
	names  map[string]string // one copy of each word that comes again and again
	total  sum
	groups [2]map[string]*sum // by provider, by profile
	held   map[*row]struct{}  // those that wait for a person
}

// sum counts interactions.
type sum struct {
	requests, errors, blocked, running, held int64
	cost                                     llm.Decimal
	priced                                   bool // a cost is known
	unpriced                                 int64
}

func newRows() *rows {
	return &rows{most: maxRows, byID: map[string]*row{}, names: map[string]string{}, groups: [2]map[string]*sum{{}, {}}, held: map[*row]struct{}{}}
}

func (s *sum) count(i *llm.Interaction, n int64) {
	s.requests += n
	if failed(i) {
		s.errors += n
	}
	if v, _ := sternest(i); v.stopped() || i.State == llm.StateRefused {
		s.blocked += n
	}
	switch i.State {
	case llm.StateHeld:
		s.held += n
		s.running += n
	case llm.StateStreaming:
		s.running += n
	}
	switch {
	case i.CostUSD != nil:
		s.cost += *i.CostUSD * llm.Decimal(n)
		s.priced = true
	case i.Usage != nil:
		s.unpriced += n
	}
}

// spend writes the sum's cost.
func (s *sum) spend() string {
	switch {
	case !s.priced && s.unpriced > 0:
		return unknown
	case !s.priced:
		return none
	case s.unpriced > 0:
		return dollars(s.cost) + "+" + unknown
	}
	return dollars(s.cost)
}

func (r *rows) tally(i *llm.Interaction, n int64) {
	r.total.count(i, n)
	for k, name := range []string{i.Provider, i.Profile} {
		s := r.groups[k][name]
		if s == nil {
			s = &sum{}
			r.groups[k][name] = s
		}
		s.count(i, n)
	}
}

// apply takes a change in and returns its row, and the row that had to give way.
func (r *rows) apply(c *change) (now, gone *row) {
	now = r.byID[c.i.ID]
	if now != nil && now.i.State.Final() && !c.i.State.Final() {
		return now, nil // told late
	}
	if now == nil {
		now = &row{}
		now.i = r.slim(c.i)
		gone = r.insert(now)
	} else {
		r.tally(now.i, -1)
		now.i = r.slim(c.i)
	}
	r.tally(now.i, 1)
	if now.i.State == llm.StateHeld {
		r.held[now] = struct{}{}
	} else {
		delete(r.held, now)
	}
	now.follow(c)
	return now, gone
}

// oldestRunning returns the oldest row that has not ended, or the newest row.
func (r *rows) oldestRunning() (oldest *row) {
	left := r.total.running
	for k := len(r.all) - 1; k >= 0; k-- {
		if oldest == nil || !r.all[k].i.State.Final() {
			oldest = r.all[k]
		}
		if !r.all[k].i.State.Final() {
			left--
		}
		if left == 0 {
			break
		}
	}
	return oldest
}

func (r *rows) insert(n *row) (gone *row) {
	r.byID[n.i.ID] = n
	r.all = insertRow(r.all, n)
	if len(r.all) > r.most {
		gone = r.all[0]
		r.all[0] = nil
		r.all = r.all[1:]
		delete(r.byID, gone.i.ID)
		delete(r.held, gone)
		r.tally(gone.i, -1)
	}
	return gone
}

// insertRow puts n at its place, which is nearly always the end.
func insertRow(list []*row, n *row) []*row {
	k := len(list)
	if k > 0 && n.before(list[k-1]) {
		k = sort.Search(len(list), func(k int) bool { return n.before(list[k]) })
	}
	list = append(list, nil)
	copy(list[k+1:], list[k:])
	list[k] = n
	return list
}

// find returns where n stands in list, or where it would.
func find(list []*row, n *row) (int, bool) {
	k := sort.Search(len(list), func(k int) bool { return !list[k].before(n) })
	return k, k < len(list) && list[k] == n
}

// slim is a copy without what only the detail shows.
func (r *rows) slim(i *llm.Interaction) *llm.Interaction {
	c := *i
	c.Text, c.Reasoning, c.Refusal, c.Choices, c.Notes = "", "", "", nil, nil
	for _, s := range []*string{&c.Provider, &c.Profile, &c.Method, &c.Path, &c.Model, &c.RequestModel,
		&c.Client.UserAgent, &c.Client.Agent, &c.Client.Session, (*string)(&c.API), (*string)(&c.State)} {
		*s = r.intern(*s)
	}
	if c.Usage != nil {
		u := *c.Usage
		u.Raw = nil
		c.Usage = &u
	}
	if len(c.ToolCalls) > 0 && c.State.Final() { // what runs is shown from here
		calls := make([]llm.ToolCall, len(c.ToolCalls))
		for k, call := range c.ToolCalls {
			calls[k] = llm.ToolCall{Name: r.intern(call.Name), Verdict: call.Verdict, Rule: r.intern(call.Rule),
				Would: call.Would, Answer: call.Answer, By: r.intern(call.By)}
		}
		c.ToolCalls = calls
	}
	return &c
}

func (r *rows) intern(s string) string {
	if s == "" {
		return ""
	}
	if one, ok := r.names[s]; ok {
		return one
	}
	if len(r.names) > 4*r.most { // sessions come and go
		clear(r.names)
	}
	s = strings.Clone(s)
	r.names[s] = s
	return s
}

// follow keeps the newest words of a change.
func (w *row) follow(c *change) {
	if c.i.State.Final() {
		w.live = nil
		if c.whole {
			w.written = len(c.i.Text) + len(c.i.Reasoning)
			w.preview = strings.Clone(head(lastWords(c.i), previewLen))
		}
		return
	}
	if w.live == nil || c.fresh {
		w.live = &live{}
		w.written = 0
	}
	w.written += len(c.text) + len(c.reasoning)
	w.live.add(c)
	switch {
	case c.call != nil:
		w.preview = strings.Clone(head(callWords(c.call), previewLen))
	case c.text != "":
		w.preview = tail(string(w.live.text[max(0, len(w.live.text)-previewLen):]), previewLen)
	case c.reasoning != "":
		w.preview = "thinking: " + tail(string(w.live.reasoning[max(0, len(w.live.reasoning)-previewLen):]), previewLen)
	}
}

func (l *live) add(c *change) {
	if len(l.text)+len(l.reasoning) < maxLive {
		l.text = append(l.text, c.text...)
		l.reasoning = append(l.reasoning, c.reasoning...)
	}
}

// lastWords is what is worth a line of an interaction that has ended.
func lastWords(i *llm.Interaction) string {
	switch {
	case i.Error != nil:
		var words []string
		for _, s := range []string{i.Error.Type, i.Error.Code, i.Error.Message} {
			if s != "" {
				words = append(words, s)
			}
		}
		return strings.Join(words, ": ")
	case len(i.ToolCalls) > 0:
		return callWords(&i.ToolCalls[len(i.ToolCalls)-1])
	case i.Refusal != "":
		return i.Refusal
	}
	return i.Text
}

func callWords(c *llm.ToolCall) string {
	if len(c.Arguments) > 0 {
		return c.Name + " " + string(c.Arguments[:min(len(c.Arguments), previewLen)])
	}
	return c.Name + " " + head(c.ArgumentsText, previewLen)
}

// head is the beginning of s, on one line.
func head(s string, n int) string {
	s = strings.TrimSpace(s[:min(len(s), 4*n)])
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\t' }), " ")
	return trimRune(s, n)
}

// tail is the end of s, on one line: the newest words of a running answer.
func tail(s string, n int) string {
	for i := 0; i < 3 && s != "" && s[0]&0xC0 == 0x80; i++ {
		s = s[1:] // the rest of a rune that was cut
	}
	if k := strings.LastIndexByte(strings.TrimRight(s, "\n"), '\n'); k >= 0 {
		s = s[k+1:]
	}
	return trimRune(strings.TrimSpace(s), n)
}

// trimRune cuts s to at most n bytes, between runes.
func trimRune(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}
