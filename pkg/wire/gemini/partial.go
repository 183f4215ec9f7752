package gemini

import (
	"strconv"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
)

// arguments assembles a function call's arguments from partialArgs: values, each
// with the JSON path (RFC 9535) of its place, such as $.foo.bar[0].data. A string
// comes in pieces, of which all but the last have willContinue.
type arguments struct {
	budget *fold.Budget
	root   node
	broken bool // a piece had no place, or no room
}

// node is a value that grows.
type node struct {
	kind     jsonscan.Kind // Invalid as long as nothing is known of it
	scalar   []byte        // a string's text, or another scalar as it is written
	open     bool          // the string goes on
	names    []string      // of an object's children
	children []*node
}

const (
	maxSteps    = 64   // of a path
	maxChildren = 4096 // of a node
	nodeCost    = 96
)

func (a *arguments) add(pieces []byte) {
	s := jsonscan.New(pieces)
	for range s.Array() {
		var path string
		var value []byte
		isString, more := false, false
		for key := range s.Object() {
			switch string(key) {
			case "jsonPath":
				path = s.Text()
			case "stringValue":
				value, isString = s.Raw(), true
			case "numberValue", "boolValue":
				value = s.Raw()
			case "nullValue": // the enum's name, "NULL_VALUE"
				s.Skip()
				value = []byte("null")
			case "willContinue":
				more, _ = s.Bool()
			}
		}
		n := a.find(path)
		if n == nil {
			a.broken = true
			continue
		}
		a.set(n, value, isString, more)
	}
	a.broken = a.broken || a.budget.Spent()
}

func (a *arguments) set(n *node, value []byte, isString, more bool) {
	switch {
	case isString && n.kind == jsonscan.String && n.open:
	case isString:
		*n = node{kind: jsonscan.String}
	case len(value) > 0:
		if a.budget.Take(len(value)) {
			*n = node{kind: jsonscan.Number, scalar: append([]byte(nil), value...)}
		}
		return
	default:
		return
	}
	n.scalar = a.budget.Append(n.scalar, value)
	n.open = more
}

// find returns the node at a path, and makes what is missing on the way. It
// returns nil if the path leads nowhere.
func (a *arguments) find(path string) *node {
	rest, ok := strings.CutPrefix(path, "$")
	if !ok || rest == "" {
		return nil
	}
	n := &a.root
	for range maxSteps {
		if rest == "" {
			return n
		}
		name, index, tail, ok := step(rest)
		if !ok {
			return nil
		}
		if index >= 0 {
			n = a.element(n, index)
		} else {
			n = a.member(n, name)
		}
		if n == nil {
			return nil
		}
		rest = tail
	}
	return nil
}

// step reads the first step of a path: a name, or an index, else -1.
func step(path string) (name string, index int, rest string, ok bool) {
	if tail, dot := strings.CutPrefix(path, "."); dot {
		end := strings.IndexAny(tail, ".[")
		if end < 0 {
			end = len(tail)
		}
		return tail[:end], -1, tail[end:], end > 0
	}
	inner, bracket := strings.CutPrefix(path, "[")
	if !bracket || inner == "" {
		return "", -1, "", false
	}
	if quote := inner[0]; quote == '\'' || quote == '"' {
		return quoted(inner[1:], quote)
	}
	digits, rest, ok := strings.Cut(inner, "]")
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil {
		return "", -1, "", false
	}
	return "", int(n), rest, ok
}

// quoted reads a name up to its quote and the bracket behind it.
func quoted(path string, quote byte) (name string, index int, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case c == '\\' && i+1 < len(path):
			i++
			b.WriteByte(path[i])
		case c == quote:
			rest, ok = strings.CutPrefix(path[i+1:], "]")
			return b.String(), -1, rest, ok
		default:
			b.WriteByte(c)
		}
	}
	return "", -1, "", false
}

func (a *arguments) member(n *node, name string) *node {
	if !n.become(jsonscan.Object) {
		return nil
	}
	for i := len(n.names) - 1; i >= 0; i-- {
		if n.names[i] == name {
			return n.children[i]
		}
	}
	if len(n.names) == maxChildren || !a.budget.Take(nodeCost+len(name)) {
		return nil
	}
	n.names = append(n.names, name)
	n.children = append(n.children, &node{})
	return n.children[len(n.children)-1]
}

// element returns an element of an array, which grows by one at a time.
func (a *arguments) element(n *node, index int) *node {
	if !n.become(jsonscan.Array) {
		return nil
	}
	if index < len(n.children) {
		return n.children[index]
	}
	if index > len(n.children) || index >= maxChildren || !a.budget.Take(nodeCost) {
		return nil
	}
	n.children = append(n.children, &node{})
	return n.children[index]
}

// become makes a node that kind of container, if it is nothing else yet.
func (n *node) become(kind jsonscan.Kind) bool {
	if n.kind == jsonscan.Invalid {
		n.kind = kind
	}
	return n.kind == kind
}

func (a *arguments) json() []byte {
	if a.root.kind == jsonscan.Invalid {
		return []byte("{}")
	}
	return a.root.append(nil)
}

func (n *node) append(b []byte) []byte {
	switch n.kind {
	case jsonscan.Object:
		b = append(b, '{')
		for i, c := range n.children {
			if i > 0 {
				b = append(b, ',')
			}
			b = jsonscan.AppendString(b, n.names[i])
			b = append(b, ':')
			b = c.append(b)
		}
		return append(b, '}')
	case jsonscan.Array:
		b = append(b, '[')
		for i, c := range n.children {
			if i > 0 {
				b = append(b, ',')
			}
			b = c.append(b)
		}
		return append(b, ']')
	case jsonscan.String:
		return jsonscan.AppendString(b, string(n.scalar))
	case jsonscan.Invalid:
		return append(b, "null"...)
	}
	return append(b, n.scalar...)
}
