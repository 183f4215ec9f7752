package policy

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
)

// Narrowest writes the YAML of the rule that allows (or denies) exactly what was
// answered: this tool, in this profile, with these values where its effect goes and
// no other identifier anywhere. What does not say where the effect goes (a subject,
// an amount) stays free.
// The text is one list element, to be put under "allow:" or "deny:".
func Narrowest(f *fact.Facts, profile string, a llm.Action) (string, error) {
	if f.Confirms != nil {
		f = f.Confirms
	}
	text := func(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }
	member := func(m *yaml.Node, key string, v *yaml.Node) { m.Content = append(m.Content, text(key), v) }

	rule := &yaml.Node{Kind: yaml.MappingNode}
	member(rule, "id", text(grantID(f, profile, a)))
	member(rule, "tool", text(escapeGlob(f.Tool.Name)))
	if profile != "" {
		member(rule, "profile", text(escapeGlob(profile)))
	}
	when := &yaml.Node{Kind: yaml.SequenceNode}
	condition := func(arg, predicate string, v *yaml.Node) {
		c := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
		member(c, "arg", text(arg))
		member(c, predicate, v)
		when.Content = append(when.Content, c)
	}
	for _, v := range sinks(f) {
		if v.Path != "" {
			condition(starred(v.Path), "equal", text(v.Text))
		}
	}
	// No other identifier anywhere: a call with one more recipient, or with a link
	// in its text, is another call.
	only := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for i := range f.Values {
		if v := &f.Values[i]; v.Kind.Strong() && !slices.ContainsFunc(only.Content, func(n *yaml.Node) bool { return n.Value == v.Text }) {
			only.Content = append(only.Content, text(v.Text))
		}
	}
	condition("*", "only", only)
	member(rule, "when", when)
	member(rule, "because", text("answered once and for all in the terminal"))
	out, err := yaml.Marshal(&yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{rule}})
	if err != nil {
		return "", fmt.Errorf("the rule for %s: %w", f.Tool.Name, err)
	}
	return string(out), nil
}

// starred turns the first index of a path into [*]: it is the value that counts,
// not where in a list it stands.
func starred(path string) string {
	i := strings.IndexByte(path, '[')
	if i < 0 {
		return path
	}
	j := strings.IndexByte(path[i:], ']')
	if j < 0 {
		return path
	}
	return path[:i] + "[*]" + path[i+j+1:]
}

// escapeGlob keeps a name that holds a star from becoming a pattern.
func escapeGlob(s string) string { return strings.ReplaceAll(s, "*", "?") }

// answerPrefix begins the ids of rules that are made of answers.
const answerPrefix = "answer-"

func grantID(f *fact.Facts, profile string, a llm.Action) string {
	h := fnv.New64a()
	h.Write([]byte(string(a) + "\x00" + profile + "\x00" + Sink(f)))
	return fmt.Sprintf(answerPrefix+"%012x", h.Sum64()&0xffffffffffff)
}
