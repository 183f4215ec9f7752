package rules

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// insert returns the text of a policy file with one rule more at the end of a
// list, and everything else as it was. The caller loads what comes out, so that a
// file that is stranger than it looks is not spoilt.
func insert(text []byte, list string, rule element) ([]byte, error) {
	newline := "\n"
	if bytes.Contains(text, []byte("\r\n")) {
		newline = "\r\n"
	}
	t := &lines{newline: newline}
	t.split(text)
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" { // nothing, or comments alone
		t.add("version: 1", list+":")
		t.add(rule.block("  ")...)
		return t.bytes(), nil
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode || root.Style&yaml.FlowStyle != 0 {
		return nil, errors.New("the file is written in one pair of braces; put each name on a line of its own")
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if key, value := root.Content[i], root.Content[i+1]; key.Value == list {
			return t.into(key, value, rule)
		}
	}
	t.add(list + ":")
	t.add(rule.block("  ")...)
	return t.bytes(), nil
}

// into puts a rule at the end of the list that is the value of a key.
func (t *lines) into(key, value *yaml.Node, rule element) ([]byte, error) {
	switch {
	case value.Kind == yaml.ScalarNode && value.Value == "": // "allow:" and nothing
		t.insert(key.Line, rule.block("  "))
	case value.Kind == yaml.SequenceNode && value.Style&yaml.FlowStyle != 0:
		flow, err := rule.flow()
		if err != nil {
			return nil, err
		}
		line := t.all[value.Line-1]
		at := value.Column - 1
		if at >= len(line) || line[at] != '[' { // letters before it are more than a byte
			return nil, fmt.Errorf("line %d: the list is not where it seems to be", value.Line)
		}
		if len(value.Content) > 0 {
			flow += ", "
		}
		t.all[value.Line-1] = line[:at+1] + flow + line[at+1:]
	case value.Kind == yaml.SequenceNode && len(value.Content) > 0:
		last := value.Content[len(value.Content)-1]
		t.insert(t.end(last.Line, value.Column-1), rule.block(strings.Repeat(" ", value.Column-1)))
	default:
		return nil, fmt.Errorf("line %d: %q is no list", key.Line, key.Value)
	}
	return t.bytes(), nil
}

// block writes the rule in lines that begin with indent.
func (e element) block(indent string) []string {
	var out []string
	for _, l := range e.lines {
		s := string(l)
		if s != "" {
			s = indent + s
		}
		out = append(out, s)
	}
	return out
}

// flow writes the rule on one line, in braces.
func (e element) flow() (string, error) {
	var set func(*yaml.Node)
	set = func(n *yaml.Node) {
		n.Style |= yaml.FlowStyle
		if n.Kind == yaml.ScalarNode {
			n.Style = yaml.DoubleQuotedStyle
		}
		for _, c := range n.Content {
			set(c)
		}
	}
	set(e.node)
	out, err := yaml.Marshal(e.node)
	if err != nil {
		return "", err
	}
	s := strings.TrimRight(string(out), "\n")
	if strings.Contains(s, "\n") {
		return "", errors.New("the rule does not fit on a line")
	}
	return s, nil
}

// lines is a text by its lines, each with its end.
type lines struct {
	newline string
	all     []string
}

func (t *lines) split(text []byte) {
	for l := range bytes.Lines(text) {
		t.all = append(t.all, string(l))
	}
}

// end returns the index of the line behind a list's last element, which begins in
// line start, counted from 1. What is indented deeper than the dash belongs to it;
// blank lines at its end do not.
func (t *lines) end(start, dash int) int {
	last := start
	for i := start; i < len(t.all); i++ {
		body := strings.TrimRight(t.all[i], "\r\n")
		indent := len(body) - len(strings.TrimLeft(body, " "))
		if strings.TrimSpace(body) == "" {
			continue
		}
		if indent <= dash {
			break
		}
		last = i + 1
	}
	return last
}

// insert puts lines before the line with an index.
func (t *lines) insert(at int, more []string) {
	rest := append([]string(nil), t.all[at:]...)
	t.all = t.all[:at]
	t.add(more...)
	t.all = append(t.all, rest...)
}

func (t *lines) add(more ...string) {
	if n := len(t.all); n > 0 && !strings.HasSuffix(t.all[n-1], "\n") {
		t.all[n-1] += t.newline
	}
	for _, s := range more {
		t.all = append(t.all, s+t.newline)
	}
}

func (t *lines) bytes() []byte { return []byte(strings.Join(t.all, "")) }
