package policy

import (
	"encoding/json"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
)

func lower(s string) string { return strings.ToLower(s) }

// each calls f for the members of a mapping. Aliases and repeated names are
// refused: a rule must read one way only.
func (l *loader) each(n *yaml.Node, f func(key string, k, v *yaml.Node)) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return
	}
	if n.Kind != yaml.MappingNode {
		l.fail(n, "names and values are expected here")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch {
		case k.Kind != yaml.ScalarNode || k.Tag == "!!merge":
			l.fail(k, "a plain name is expected")
		case seen[k.Value]:
			l.fail(k, "%q stands twice", k.Value)
		case v.Kind == yaml.AliasNode || v.Anchor != "":
			l.fail(v, "anchors and aliases are not read")
		default:
			seen[k.Value] = true
			f(k.Value, k, v)
		}
	}
}

// items returns the elements of a list.
func (l *loader) items(n *yaml.Node) []*yaml.Node {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		l.fail(n, "a list is expected here")
		return nil
	}
	out := n.Content[:0:0]
	for _, c := range n.Content {
		if c.Kind == yaml.AliasNode || c.Anchor != "" {
			l.fail(c, "anchors and aliases are not read")
			continue
		}
		out = append(out, c)
	}
	return out
}

func (l *loader) string(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode {
		l.fail(n, "a text is expected here")
	}
	return n.Value
}

// strings reads one scalar or a list of scalars.
func (l *loader) strings(n *yaml.Node) []string {
	if n.Kind == yaml.ScalarNode {
		return []string{n.Value}
	}
	var out []string
	for _, c := range l.items(n) {
		out = append(out, l.string(c))
	}
	if len(out) == 0 && n.Kind == yaml.SequenceNode {
		l.fail(n, "the list is empty")
	}
	return out
}

func (l *loader) globs(n *yaml.Node) []string {
	out := l.strings(n)
	for i, s := range out {
		if s == "" {
			l.fail(n, "a name is empty")
		}
		out[i] = lower(s)
	}
	return out
}

func (l *loader) bool(n *yaml.Node) bool {
	b, err := strconv.ParseBool(n.Value)
	if err != nil || n.Kind != yaml.ScalarNode {
		l.fail(n, "true or false is expected, not %q", n.Value)
	}
	return b
}

// id reads the name of a rule. A built-in id can not be given again.
func (l *loader) id(n *yaml.Node) string {
	id := l.string(n)
	if id == "" || len(id) > 64 || strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != "" {
		l.fail(n, "%q is no id: up to 64 letters, digits, - _ .", id)
		return id
	}
	if l.ids[id] {
		l.fail(n, "the id %q is taken", id)
	}
	l.ids[id] = true
	return id
}

func (l *loader) session(n *yaml.Node, s *session) {
	l.each(n, func(key string, k, v *yaml.Node) {
		b := l.bool(v)
		switch key {
		case "untrusted":
			s.untrusted = &b
		case "tainted":
			s.tainted = &b
		case "private":
			s.private = &b
		case "secret":
			s.secret = &b
		default:
			l.fail(k, "%q is no label of a session: untrusted, tainted, private, secret", key)
		}
	})
}

// condition reads "arg: PATH" or, of results, "path: PATH" and its predicates.
func (l *loader) condition(n *yaml.Node, result bool) (c condition, arg bool) {
	c.line = n.Line
	named := false
	l.each(n, func(key string, k, v *yaml.Node) {
		switch {
		case key == "arg" || key == "path" && result:
			if named {
				l.fail(k, "the condition has a path already")
			}
			named, arg = true, key == "arg"
			p, err := newPath(l.string(v))
			if err != nil {
				l.fail(v, "%w", err)
			}
			c.path = p
		case key == "from" && result:
			l.fail(k, "from is not known of results")
		default:
			values := []string(nil)
			if key != "only" || len(v.Content) > 0 || v.Kind != yaml.SequenceNode {
				values = l.strings(v)
			}
			p, err := newPredicate(key, values)
			if err != nil {
				l.fail(k, "%w", err)
				return
			}
			c.tests = append(c.tests, p)
		}
	})
	if !named {
		l.fail(n, "the condition names no argument (arg: …)")
	}
	if len(c.tests) == 0 {
		l.fail(n, "the condition says nothing of %q", c.path.text)
	}
	return c, arg
}

// tests reads the examples of a rule.
func (l *loader) tests(n *yaml.Node, want bool) []test {
	var out []test
	for _, c := range l.items(n) {
		t := test{want: want, line: c.Line, seen: map[string]fact.Origin{}, asked: fact.AskedFor}
		l.each(c, func(key string, k, v *yaml.Node) {
			switch key {
			case "tool":
				t.tool = l.string(v)
			case "profile":
				t.profile = l.string(v)
			case "result":
				t.result = l.string(v)
			case "args":
				var val any
				if err := v.Decode(&val); err != nil {
					l.fail(v, "%w", err)
					return
				}
				raw, err := json.Marshal(val)
				if err != nil {
					l.fail(v, "the arguments can not be written as JSON: %w", err)
					return
				}
				t.args = raw
			case "session":
				var s session
				l.session(v, &s)
				is := func(b *bool) bool { return b != nil && *b }
				t.labels = fact.Labels{Untrusted: is(s.untrusted), Tainted: is(s.tainted), Private: is(s.private), Secret: is(s.secret)}
			case "seen":
				l.each(v, func(path string, _, o *yaml.Node) {
					origins, err := fact.ParseOrigin(l.string(o))
					if err != nil {
						l.fail(o, "%w", err)
						return
					}
					t.seen[path] = origins[0]
				})
			case "asked":
				a, ok := fact.ParseAsked(l.string(v))
				if !ok {
					l.fail(v, "asked %q is not known: yes, weakly, no", v.Value)
				}
				t.asked = a
			default:
				l.fail(k, "%q is not known in an example: tool, args, profile, session, seen, asked, result", key)
			}
		})
		out = append(out, t)
	}
	return out
}
