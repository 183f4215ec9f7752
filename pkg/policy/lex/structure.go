package lex

import "strings"

// structure cuts a text into fields if the whole of it is structured, else it
// returns nil. It is strict on purpose: a page that has a line such as
// "recipient: X" in its prose does not become a record by it.
func structure(text string) []Cell {
	start := skipSpace(text, 0)
	if start == len(text) {
		return nil
	}
	if c := text[start]; c == '{' || c == '[' {
		r := repr{text: text, pos: start}
		if r.value("", 0) && skipSpace(text, r.pos) == len(text) {
			return r.cells
		}
	}
	return block(text)
}

func skipSpace(s string, i int) int {
	for i < len(s) && space(s[i]) {
		i++
	}
	return i
}

// lines cuts an unstructured text into its lines.
func lines(text string) []Cell {
	cells := make([]Cell, 0, min(strings.Count(text, "\n")+1, 256))
	for at, record := 0, uint32(0); at < len(text); record++ {
		end := strings.IndexByte(text[at:], '\n')
		if end < 0 {
			end = len(text)
		} else {
			end += at
		}
		a, b := trim(text, at, end)
		if a < b {
			c := Cell{Start: uint32(a), End: uint32(b), Record: record, Kind: Line}
			if k, v, ok := keyed(text[a:b]); ok && v < b-a {
				c.Key = k
			}
			cells = append(cells, c)
		}
		at = end + 1
	}
	return cells
}

func trim(s string, a, b int) (int, int) {
	for a < b && space(s[a]) {
		a++
	}
	for a < b && space(s[b-1]) {
		b--
	}
	return a, b
}

// keyed reads "name: value": the name, and where the value begins.
func keyed(s string) (key string, value int, ok bool) {
	i := 0
	if len(s) > 0 && (s[0] == '\'' || s[0] == '"') {
		q := s[0]
		for i = 1; i < len(s) && s[i] != q; i++ {
		}
		if i >= len(s)-1 || s[i+1] != ':' {
			return "", 0, false
		}
		key, i = s[1:i], i+1
	} else {
		for i < len(s) && s[i] != ':' {
			if s[i] == '\n' || i > 60 {
				return "", 0, false
			}
			i++
		}
		if i == 0 || i >= len(s) {
			return "", 0, false
		}
		key = s[:i]
		if strings.Count(key, " ") > 3 || strings.ContainsAny(key, "{}[]\"'`") {
			return "", 0, false
		}
	}
	i++
	if i < len(s) && s[i] != ' ' {
		return "", 0, false
	}
	for i < len(s) && s[i] == ' ' {
		i++
	}
	return key, i, true
}

// repr reads JSON and what Python prints for lists and dictionaries, of which
// tool results are full. It needs the places of the values, not the values.
type repr struct {
	text    string
	pos     int
	depth   int
	objects uint32
	cells   []Cell
}

const maxDepth = 64

func (r *repr) value(key string, record uint32) bool {
	if r.depth++; r.depth > maxDepth {
		return false
	}
	defer func() { r.depth-- }()
	r.pos = skipSpace(r.text, r.pos)
	if r.pos >= len(r.text) {
		return false
	}
	switch c := r.text[r.pos]; c {
	case '{':
		r.objects++
		return r.members(key, r.objects)
	case '[', '(':
		return r.items(key, record, map[byte]byte{'[': ']', '(': ')'}[c])
	case '\'', '"':
		_, ok := r.str(key, record, false)
		return ok
	}
	start := r.pos
	for r.pos < len(r.text) && !strings.ContainsRune(",]}):\n", rune(r.text[r.pos])) {
		r.pos++
	}
	a, b := trim(r.text, start, r.pos)
	if a == b || b-a > 64 {
		return false
	}
	r.cells = append(r.cells, Cell{Key: key, Start: uint32(a), End: uint32(b), Record: record})
	return true
}

func (r *repr) members(_ string, record uint32) bool {
	r.pos++
	for {
		r.pos = skipSpace(r.text, r.pos)
		if r.pos >= len(r.text) {
			return false
		}
		if r.text[r.pos] == '}' {
			r.pos++
			return true
		}
		var name string
		if c := r.text[r.pos]; c == '"' || c == '\'' {
			cell, ok := r.str("", record, true)
			if !ok {
				return false
			}
			name = r.text[cell.Start:cell.End]
		} else {
			start := r.pos
			for r.pos < len(r.text) && r.text[r.pos] != ':' && r.pos-start < 64 {
				r.pos++
			}
			name = r.text[start:r.pos]
		}
		r.pos = skipSpace(r.text, r.pos)
		if r.pos >= len(r.text) || r.text[r.pos] != ':' {
			return false
		}
		r.pos++
		if !r.value(name, record) || !r.comma('}') {
			return false
		}
	}
}

func (r *repr) items(key string, record uint32, closer byte) bool {
	r.pos++
	for {
		r.pos = skipSpace(r.text, r.pos)
		if r.pos >= len(r.text) {
			return false
		}
		if r.text[r.pos] == closer {
			r.pos++
			return true
		}
		if !r.value(key, record) || !r.comma(closer) {
			return false
		}
	}
}

func (r *repr) comma(closer byte) bool {
	r.pos = skipSpace(r.text, r.pos)
	if r.pos >= len(r.text) {
		return false
	}
	if r.text[r.pos] == ',' {
		r.pos++
		return true
	}
	return r.text[r.pos] == closer
}

func (r *repr) str(key string, record uint32, name bool) (Cell, bool) {
	q := r.text[r.pos]
	start := r.pos + 1
	escaped := false
	for i := start; i < len(r.text); i++ {
		switch r.text[i] {
		case '\\':
			escaped = true
			i++
		case q:
			r.pos = i + 1
			c := Cell{Key: key, Start: uint32(start), End: uint32(i), Record: record, IsName: name, escaped: escaped}
			r.cells = append(r.cells, c)
			return c, true
		}
	}
	return Cell{}, false
}

// block reads YAML as dumpers write it: "name: value" lines, lists, quoted and
// folded scalars. One line at the left margin that is neither makes it no YAML.
func block(text string) []Cell {
	b := blockReader{text: text, margin: -1, listAt: -1}
	for at := 0; at < len(text); {
		end := strings.IndexByte(text[at:], '\n')
		if end < 0 {
			end = len(text)
		} else {
			end += at
		}
		if !b.line(at, end) {
			return nil
		}
		at = end + 1
	}
	if b.fields < 1 || b.quote != 0 {
		return nil
	}
	return b.cells
}

type blockReader struct {
	text   string
	cells  []Cell
	fields int
	record uint32
	margin int // where items of the outer list begin, or -1
	quote  byte
	open   bool // the last cell may go on
	indent int  // of the line that began the last cell
	listAt int  // indent of a name without value, under which a list may stand
	key    string
}

func (b *blockReader) line(at, end int) bool {
	a, z := trim(b.text, at, end)
	if a == z {
		return true
	}
	if b.quote != 0 {
		b.extend(z)
		b.close(a, z)
		return true
	}
	indent := a - at
	if b.open && indent > b.indent && len(b.cells) > 0 {
		b.extend(z)
		return true
	}
	b.open = false
	content := indent
	item := false
	for a < z && b.text[a] == '-' && (a+1 == z || b.text[a+1] == ' ') {
		if !item {
			nested := b.listAt >= 0 && content >= b.listAt
			if !nested && (b.margin < 0 || content <= b.margin) {
				b.margin = content
				b.record++
				b.key = ""
			}
			if !nested {
				b.listAt = -1
			}
		}
		item = true
		n := skipSpace(b.text[:z], a+1)
		content += n - a
		a = n
	}
	if a == z {
		return true
	}
	if key, v, ok := keyed(b.text[a:z]); ok && !(item && b.listAt >= 0 && b.text[a] == '\'' && v == 0) {
		b.fields++
		b.cells = append(b.cells, Cell{Start: uint32(a), End: uint32(a + len(key)), Record: b.record, IsName: true})
		if v == z-a {
			b.key, b.listAt, b.open = key, content, false
			return true
		}
		if !item || b.listAt >= 0 && content <= b.listAt {
			b.listAt = -1
		}
		b.scalar(key, a+v, z, content)
		return true
	}
	if item {
		b.fields++
		b.scalar(b.key, a, z, indent)
		return true
	}
	return false
}

// scalar begins a value.
func (b *blockReader) scalar(key string, a, z, indent int) {
	c := Cell{Key: key, Start: uint32(a), End: uint32(z), Record: b.record}
	b.indent, b.open = indent, true
	if q := b.text[a]; q == '\'' || q == '"' {
		b.quote = q
		c.Start++
		c.escaped = q == '"'
		b.cells = append(b.cells, c)
		b.close(a+1, z)
		return
	}
	b.cells = append(b.cells, c)
}

func (b *blockReader) extend(z int) { b.cells[len(b.cells)-1].End = uint32(z) }

// close ends a quoted scalar if its quote is closed at z.
func (b *blockReader) close(a, z int) {
	for i := a; i < z; i++ {
		switch {
		case b.quote == '"' && b.text[i] == '\\':
			i++
		case b.text[i] == b.quote && b.quote == '\'' && i+1 < z && b.text[i+1] == '\'':
			i++
		case b.text[i] == b.quote:
			b.quote, b.open = 0, false
			b.cells[len(b.cells)-1].End = uint32(i)
			return
		}
	}
}
