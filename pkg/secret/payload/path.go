package payload

import (
	"bytes"
	"strconv"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/secret"
)

// maxPath bounds a path, in bytes. The rest of a longer one is cut.
const maxPath = 256

// pathfinder writes the paths of hits in one walk over their unit.
type pathfinder struct {
	detector *secret.Detector
	unit     []byte
	js       *jsonscan.Scanner
	path     []byte
	hits     []Hit // those without a path, in the order of the unit
}

// wheres gives hits their paths inside of a unit.
func wheres(d *secret.Detector, unit []byte, hits []Hit) {
	p := pathfinder{detector: d, unit: unit, js: jsonscan.New(unit), hits: hits}
	p.value()
}

func (p *pathfinder) value() {
	n := len(p.path)
	switch p.js.Kind() {
	case jsonscan.Object:
		for name := range p.js.Object() {
			p.path = append(p.path, ".*"...)
			p.claim(p.js.Pos()) // hits in the name
			if len(p.hits) == 0 {
				return
			}
			p.path = append(p.path[:n+1], label(p.detector, name)...)
			p.value()
			p.path = p.path[:n]
		}
	case jsonscan.Array:
		for i := range p.js.Array() {
			if len(p.hits) == 0 {
				return
			}
			p.path = append(strconv.AppendInt(append(p.path, '['), int64(i), 10), ']')
			p.value()
			p.path = p.path[:n]
		}
	default:
		p.js.Skip()
		p.claim(p.js.Offset())
	}
}

// claim gives the path to the hits before a place.
func (p *pathfinder) claim(before int) {
	where := ""
	for len(p.hits) > 0 && p.hits[0].Start < before {
		h := &p.hits[0]
		if where == "" {
			where = string(p.path[:min(len(p.path), maxPath)])
		}
		if h.Where = where; bytes.Contains(p.path, p.unit[h.Start:h.End]) {
			h.Where = ".*"
		}
		p.hits = p.hits[1:]
	}
}

// label returns a member's name as a path shows it.
func label(d *secret.Detector, name []byte) string {
	const longest = 48
	odd := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' && c != '$'
	}
	if len(name) == 0 || len(name) > longest || bytes.ContainsFunc(name, odd) {
		return "*"
	}
	text := string(name)
	if len(name) >= shortest && len(d.Scan(text)) > 0 {
		return "*"
	}
	return text
}
