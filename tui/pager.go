package tui

import (
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/printable"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// block is a piece of a long text, small enough to be sanitised and wrapped when
// it comes into view.
type block struct {
	lead  paint.Line // stands before each of its lines
	first paint.Line // and this before the first one, where it is not empty
	style paint.Style
	text  string     // from outside, as it came
	ready paint.Line // instead of text: a line that is made already
	lang  string     // the language of source text
	code  bool       // source text: keeps its spaces
}

// pieceLen is about how many bytes of text a block holds.
const pieceLen = 4 << 10

// kept is how many blocks stay wrapped.
const kept = 128

// pager shows blocks and scrolls through them. What a frame costs depends on
// the blocks in view.
type pager struct {
	blocks []block
	at     int  // the block at the top
	sub    int  // and its line there
	end    bool // stay at the end when the text grows
	last   bool // the end is in view
	width  int
	height int

	wrapped map[int][]paint.Line // the blocks that were in view, for this width
	phrase  string               // looked for, folded
}

// set shows other blocks at the same place.
func (p *pager) set(blocks []block) {
	p.blocks = blocks
	p.wrapped = nil
	if p.at >= len(blocks) {
		p.at, p.sub = max(len(blocks)-1, 0), 0
	}
}

// replaceFrom keeps the first n blocks, and what is known of them.
func (p *pager) replaceFrom(n int, blocks []block) {
	p.blocks = append(p.blocks[:n], blocks...)
	for k := range p.wrapped {
		if k >= n {
			delete(p.wrapped, k)
		}
	}
	if p.at >= len(p.blocks) {
		p.at, p.sub = max(len(p.blocks)-1, 0), 0
	}
}

func (p *pager) resize(width, height int) {
	if width != p.width {
		p.wrapped, p.sub = nil, 0
	}
	p.width, p.height = max(width, 1), max(height, 1)
}

// lines wraps a block, once for a width.
func (p *pager) lines(k int) []paint.Line {
	if l, ok := p.wrapped[k]; ok {
		return l
	}
	if len(p.wrapped) >= kept {
		p.wrapped = nil
	}
	if p.wrapped == nil {
		p.wrapped = map[int][]paint.Line{}
	}
	l := p.wrap(&p.blocks[k])
	p.wrapped[k] = l
	return l
}

func (p *pager) wrap(b *block) []paint.Line {
	if b.text == "" {
		l := paint.From(b.lead)
		l.Append(b.ready)
		return []paint.Line{l}
	}
	text := strings.TrimSuffix(b.text, "\n")
	room := max(p.width-b.lead.Width(), 1)
	if b.code && b.lang != "" && p.phrase == "" {
		return highlight(b.lead, b.lang, text, room)
	}
	var out []paint.Line
	put := func(row []run) {
		l := paint.From(b.lead)
		if len(out) == 0 && b.first.Width() > 0 {
			l = paint.From(b.first)
		}
		for _, r := range row {
			p.say(&l, r.style, printable.Line(r.text))
		}
		out = append(out, l)
	}
	for _, source := range printable.New(text).Lines() {
		switch {
		case b.code:
			for _, t := range source.Wrap(room) {
				put([]run{{b.style, t.String()}})
			}
		case isHeading(source.String()):
			prose(paint.Bold, source, room, put)
		default:
			prose(b.style, source, room, put)
		}
	}
	return out
}

// say adds text with what was looked for marked in it.
func (p *pager) say(l *paint.Line, style paint.Style, t printable.Text) {
	s := t.String()
	for p.phrase != "" {
		k := foldIndex(s, p.phrase)
		if k < 0 {
			break
		}
		l.Add(style, printable.Line(s[:k]))
		l.Add(paint.Found, printable.Line(s[k:k+len(p.phrase)]))
		s = s[k+len(p.phrase):]
	}
	l.Add(style, printable.Line(s))
}

// isHeading reports whether a line is a heading of Markdown.
func isHeading(s string) bool {
	rest := strings.TrimLeft(s, "#")
	return len(rest) < len(s) && len(s)-len(rest) <= 6 && strings.HasPrefix(rest, " ")
}

// foldIndex is strings.Index for a phrase in lower case, whatever the case of
// ASCII letters in s.
func foldIndex(s, phrase string) int {
	first := phrase[0]
	for i := 0; i+len(phrase) <= len(s); i++ {
		if lower(s[i]) != first {
			continue
		}
		j := 1
		for j < len(phrase) && lower(s[i+j]) == phrase[j] {
			j++
		}
		if j == len(phrase) {
			return i
		}
	}
	return -1
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func (p *pager) scroll(n int) {
	if len(p.blocks) == 0 {
		return
	}
	for ; n > 0; n-- {
		if p.sub+1 < len(p.lines(p.at)) {
			p.sub++
		} else if p.at+1 < len(p.blocks) {
			p.at, p.sub = p.at+1, 0
		} else {
			break
		}
	}
	for ; n < 0; n++ {
		p.end = false
		if p.sub > 0 {
			p.sub--
		} else if p.at > 0 {
			p.at--
			p.sub = len(p.lines(p.at)) - 1
		} else {
			break
		}
	}
}

func (p *pager) top() { p.at, p.sub, p.end = 0, 0, false }

// bottom goes to the end and stays there when the text grows.
func (p *pager) bottom() { p.end = true }

// settle leaves no empty lines below the text.
func (p *pager) settle() {
	if len(p.blocks) == 0 {
		return
	}
	p.at = min(p.at, len(p.blocks)-1)
	p.sub = max(min(p.sub, len(p.lines(p.at))-1), 0)
	have := -p.sub
	for k := p.at; k < len(p.blocks) && have < p.height; k++ {
		have += len(p.lines(k))
	}
	if have >= p.height && !p.end {
		return
	}
	p.at, p.sub = len(p.blocks)-1, 0
	need := p.height - len(p.lines(p.at))
	for need > 0 && p.at > 0 {
		p.at--
		need -= len(p.lines(p.at))
	}
	p.sub = max(-need, 0)
}

func (p *pager) view() []paint.Line {
	p.settle()
	var out []paint.Line
	k, sub := p.at, p.sub
	for ; k < len(p.blocks) && len(out) < p.height; k++ {
		l := p.lines(k)
		out = append(out, l[min(sub, len(l)):]...)
		sub = 0
	}
	p.last = k == len(p.blocks) && len(out) <= p.height
	return out[:min(len(out), p.height)]
}

// share is how far down the last view was, in percent.
func (p *pager) share() int {
	if p.last || len(p.blocks) < 2 {
		return 100
	}
	return p.at * 100 / (len(p.blocks) - 1)
}

// look marks a phrase and goes to its first place from here on.
func (p *pager) look(phrase string) bool {
	p.phrase = strings.Map(func(r rune) rune {
		if r < 0x80 {
			return rune(lower(byte(r)))
		}
		return r
	}, phrase)
	p.wrapped = nil
	return p.phrase == "" || p.hit(0)
}

// hit goes to the next place of the phrase in a direction; 0 begins here.
func (p *pager) hit(step int) bool {
	if p.phrase == "" || len(p.blocks) == 0 {
		return false
	}
	if step >= 0 {
		for k := p.at; k < len(p.blocks); k++ {
			from := 0
			if k == p.at {
				from = p.sub + step
			}
			if s := p.lineWith(k, from, 1<<30, false); s >= 0 {
				p.at, p.sub, p.end = k, s, false
				return true
			}
		}
		return false
	}
	for k := p.at; k >= 0; k-- {
		to := 1 << 30
		if k == p.at {
			to = p.sub
		}
		if s := p.lineWith(k, 0, to, true); s >= 0 {
			p.at, p.sub, p.end = k, s, false
			return true
		}
	}
	return false
}

// lineWith returns the first, or last, line of a block in [from, to) that holds
// the phrase, or -1. Blocks without it are not wrapped.
func (p *pager) lineWith(k, from, to int, last bool) int {
	b := &p.blocks[k]
	if b.text != "" && foldIndex(b.text, p.phrase) < 0 {
		return -1
	}
	found := -1
	for s, l := range p.lines(k) {
		if s >= from && s < to && foldIndex(l.Text().String(), p.phrase) >= 0 {
			found = s
			if !last {
				break
			}
		}
	}
	return found
}
