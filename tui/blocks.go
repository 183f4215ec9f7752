package tui

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/archestra-ai/archestra-cli/tui/paint"
)

// page gathers blocks.
type page struct {
	blocks []block
	lead   paint.Line
}

// line adds a line that is made already.
func (g *page) line(l paint.Line) { g.blocks = append(g.blocks, block{ready: l, lead: g.lead}) }

// empty adds an empty line.
func (g *page) empty() { g.blocks = append(g.blocks, block{}) }

// text adds text as it is.
func (g *page) text(style paint.Style, s string) {
	g.pieces(block{style: style, lead: g.lead, code: true}, s)
}

// indent makes what follows stand behind a mark; the result takes it back.
func (g *page) indent(style paint.Style, bar bool) (back func()) {
	old := g.lead
	var l paint.Line
	l.Append(old)
	if bar {
		l.Say(style, "│ ")
	} else {
		l.Gap(2)
	}
	g.lead = l
	return func() { g.lead = old }
}

// pieces cuts text into blocks at the ends of lines.
func (g *page) pieces(b block, s string) {
	for s != "" {
		n := len(s)
		if n > pieceLen {
			if k := strings.LastIndexByte(s[:pieceLen], '\n'); k >= 0 {
				n = k + 1
			} else {
				n = len(trimRune(s, pieceLen))
			}
			n = max(n, 1)
		}
		b.text = s[:n]
		if b.text == "\n" {
			g.blocks = append(g.blocks, block{lead: b.lead})
		} else {
			g.blocks = append(g.blocks, b)
		}
		b.first = paint.Line{}
		s = s[n:]
	}
}

// markdown adds text with its fenced source text set apart.
func (g *page) markdown(style paint.Style, s string) {
	var lang string
	inCode := false
	from := 0
	flush := func(to int) {
		if from >= to {
			return
		}
		if inCode {
			back := g.indent(paint.Dim, true)
			g.pieces(block{style: paint.Code, lead: g.lead, code: true, lang: lang}, s[from:to])
			back()
		} else {
			g.pieces(block{style: style, lead: g.lead}, s[from:to])
		}
	}
	for at := 0; at < len(s); {
		end := len(s)
		if k := strings.IndexByte(s[at:], '\n'); k >= 0 {
			end = at + k + 1
		}
		if l := strings.TrimLeft(s[at:end], " "); strings.HasPrefix(l, "```") {
			flush(at)
			from = end
			inCode = !inCode
			lang = strings.TrimSpace(l[3:])
			if len(lang) > 20 {
				lang = ""
			}
		}
		at = end
	}
	flush(len(s))
}

// maxPretty bounds the JSON that is laid out in lines.
const maxPretty = 4 << 20

// json adds JSON laid out in lines, or as it is where it is none.
func (g *page) json(raw []byte) {
	var b bytes.Buffer
	if len(raw) > maxPretty || json.Indent(&b, raw, "", "  ") != nil {
		g.pieces(block{style: paint.Plain, lead: g.lead, code: true}, string(raw))
		return
	}
	g.pieces(block{style: paint.Plain, lead: g.lead, code: true, lang: "json"}, b.String())
}

// oneLine writes JSON on one line, as it is where it is none.
func oneLine(raw []byte) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return string(raw)
	}
	return b.String()
}
