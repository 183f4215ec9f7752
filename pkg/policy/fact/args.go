package fact

import (
	"strconv"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy/lex"
)

// Role says what an argument does in its call.
type Role uint8

// The roles.
const (
	Names    Role = iota // a short value that names something: a recipient, an id, a title
	Content              // running text that is passed on
	Quantity             // a number, a date, a switch
)

// Leaf is one scalar of a call's arguments.
type Leaf struct {
	Path  string // "recipients[0]", "filter.owner"
	Name  string // the last name in the path, lower case
	Value string
	Role  Role
	Kind  lex.IdentKind // where the whole value is one identifier
	Key   string        // its comparable form

	tokens []lex.Token
	text   string
}

// maxLeaves bounds how many scalars of a call are looked at; what lies beyond is
// noted by Facts.Truncated.
const maxLeaves = 512

// Leaves reads the scalars of a call's arguments. complete is false where the
// arguments are no JSON, name something twice or are too many: then what a rule
// read may not be what runs.
func Leaves(c llm.ToolCall) (leaves []Leaf, complete bool) {
	raw := []byte(c.Arguments)
	if len(raw) == 0 {
		if c.ArgumentsText == "" {
			return nil, true
		}
		return []Leaf{newLeaf("", c.ArgumentsText, jsonscan.String)}, c.Kind == "custom"
	}
	s := jsonscan.New(raw)
	w := leafWalk{s: s}
	w.value("", 0)
	return w.out, !w.full && jsonscan.Check(raw) == nil
}

type leafWalk struct {
	s    *jsonscan.Scanner
	out  []Leaf
	full bool
}

func (w *leafWalk) value(path string, depth int) {
	if len(w.out) >= maxLeaves || depth > 32 {
		w.full = true
		w.s.Skip()
		return
	}
	switch k := w.s.Kind(); k {
	case jsonscan.Object:
		for name := range w.s.Object() {
			p := string(name)
			if path != "" {
				p = path + "." + p
			}
			w.value(p, depth+1)
		}
	case jsonscan.Array:
		for i := range w.s.Array() {
			w.value(path+"["+strconv.Itoa(i)+"]", depth+1)
		}
	case jsonscan.String:
		w.out = append(w.out, newLeaf(path, w.s.Text(), k))
	case jsonscan.Null, jsonscan.Invalid:
		w.s.Skip()
	default:
		w.out = append(w.out, newLeaf(path, string(w.s.Raw()), k))
	}
}

var contentNames = hashes("body content message text description comment note notes html markdown code patch diff prompt query instructions summary details")

func newLeaf(path, value string, k jsonscan.Kind) Leaf {
	l := Leaf{Path: path, Value: value, text: value}
	name := path
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	if i := strings.IndexByte(name, '['); i >= 0 {
		name = name[:i]
	}
	l.Name = strings.ToLower(name)
	if k != jsonscan.String {
		l.Role = Quantity
		if k == jsonscan.Number {
			l.text = strings.TrimSuffix(value, ".0")
			if strings.Contains(l.Name, "id") {
				l.Role = Names
			}
		}
	} else {
		l.Kind, l.Key = lex.IdentOf(value)
		ws := words(l.Name)
		switch {
		case l.Kind != lex.NoIdent:
		case quantity(value):
			if !strings.Contains(l.Name, "id") {
				l.Role = Quantity
			}
		case strings.ContainsAny(strings.TrimSpace(value), "\n") || strings.Count(strings.TrimSpace(value), " ") >= 9:
			l.Role = Content
		case len(ws) > 0 && contentNames[lex.Hash(ws[len(ws)-1])]:
			l.Role = Content
		}
	}
	if l.Kind == lex.Host {
		t := l.text
		if i := strings.Index(t, "://"); i >= 0 && i < 10 {
			t = t[i+3:]
		}
		l.text = strings.TrimRight(strings.TrimPrefix(t, "www."), "/")
	}
	l.tokens = lex.Words(l.text).Tokens
	return l
}

// quantity tells of dates, times, amounts and switches.
func quantity(s string) bool {
	digits := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			digits++
		case strings.IndexByte(" -:/.,+TZ$€%", c) >= 0:
		default:
			return s == "true" || s == "false" || s == "null" || s == "none" || s == "None" || s == "today" || s == "tomorrow"
		}
	}
	return digits > 0
}
