package policy

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
)

// File is the text of one policy file.
type File struct {
	Name string // for messages
	Data []byte
	// Project tells that the file came with a project. It may only tighten: deny,
	// ask, distrust or block results, start sessions untrusted, enforce.
	Project bool
}

// maxFile bounds the size of a policy file.
const maxFile = 1 << 20

// maxErrors is how many errors of a file are told.
const maxErrors = 20

// Error is a fault in a policy file at a line.
type Error struct {
	File string
	Line int
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

//go:embed default.yaml
var defaultFile []byte

// Default returns the built-in policy.
func Default() *Policy {
	p, err := Load()
	if err != nil {
		// The file is part of the program, and a test loads it.
		panic("the built-in policy: " + err.Error())
	}
	return p
}

// Load reads policy files over the built-in defaults, compiles them and runs
// their tests. Where it returns an error it returns no policy: the caller keeps
// the last good one.
func Load(files ...File) (*Policy, error) {
	p := &Policy{mode: Enforce, disabled: map[string]bool{}, profiles: nil}
	l := loader{policy: p, ids: map[string]bool{}}
	for _, b := range builtins {
		l.ids[b.ID] = true
	}
	l.file(File{Name: "built in", Data: defaultFile}, true)
	for _, f := range files {
		l.file(f, false)
	}
	if len(l.errs) > 0 {
		return nil, errors.Join(l.errs...)
	}
	p.digest = digest(files)
	p.order()
	for _, err := range p.runTests() {
		if l.errs = append(l.errs, err); len(l.errs) >= maxErrors {
			break
		}
	}
	if len(l.errs) > 0 {
		return nil, errors.Join(l.errs...)
	}
	return p, nil
}

// digest names what files say, wherever they stand.
func digest(files []File) string {
	h := sha256.New()
	for _, f := range append([]File{{Data: defaultFile}}, files...) {
		_, _ = fmt.Fprintf(h, "%t %d\n", f.Project, len(f.Data)) // a hash never fails
		_, _ = h.Write(f.Data)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

type loader struct {
	policy  *Policy
	ids     map[string]bool
	errs    []error
	name    string
	project bool
	builtin bool
	profile []string // the profiles that what is read belongs to
}

func (l *loader) fail(n *yaml.Node, format string, args ...any) {
	if len(l.errs) < maxErrors {
		l.errs = append(l.errs, &Error{File: l.name, Line: n.Line, Err: fmt.Errorf(format, args...)})
	}
}

func (l *loader) file(f File, builtin bool) {
	l.name, l.project, l.builtin, l.profile = f.Name, f.Project, builtin, nil
	at := &yaml.Node{Line: 1}
	if len(f.Data) > maxFile {
		l.fail(at, "the file is larger than %d bytes", maxFile)
		return
	}
	root, err := parse(f.Data)
	if err != nil {
		at.Line, err = yamlLine(err)
		l.fail(at, "%w", err)
		return
	}
	if root == nil || root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return // an empty file has no rules
	}
	version := false
	l.each(root, func(key string, k, v *yaml.Node) {
		switch key {
		case "version":
			version = true
			if v.Value != "1" {
				l.fail(v, "version %q is not known: 1", v.Value)
			}
		case "mode":
			l.mode(v, &l.policy.mode)
		case "disable":
			if l.project {
				l.fail(k, "a project's file may only tighten: it cannot disable rules")
				return
			}
			for _, id := range l.strings(v) {
				if !l.ids[id] {
					l.fail(v, "no built-in rule has the id %q", id)
				}
				l.policy.disabled[id] = true
			}
		case "profiles":
			l.each(v, func(name string, _, body *yaml.Node) { l.section(name, body) })
		default:
			l.lists(key, k, v)
		}
	})
	if !version && len(root.Content) > 0 {
		l.fail(root, "version: 1 is missing")
	}
}

// parse reads one YAML document. A parser that panics has not read the file.
func parse(data []byte) (root *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, fmt.Errorf("YAML: %v", r)
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); err == io.EOF {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if err := dec.Decode(new(yaml.Node)); err != io.EOF {
		return nil, errors.New("one document is expected")
	}
	if doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 {
		return doc.Content[0], nil
	}
	return &doc, nil
}

// yamlLine takes the line out of an error of the YAML parser, or says the first.
func yamlLine(err error) (int, error) {
	text, ok := strings.CutPrefix(err.Error(), "yaml: ")
	if !ok {
		return 1, err
	}
	line := 1
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		number, what, _ := strings.Cut(rest, ": ")
		if n, bad := strconv.Atoi(number); bad == nil {
			line, text = n, what
		}
		// Of what its grammar finds, and not its scanner, the library counts lines from 0.
		if expected, ok := strings.CutPrefix(text, "did not find expected "); ok {
			for _, of := range [...]string{"<", "'-' ", "key", "',' ", "node "} {
				if strings.HasPrefix(expected, of) {
					line++
				}
			}
		}
	}
	return max(line, 1), errors.New("this is no YAML: " + text)
}

// section reads the rules of one profile, or of those that a pattern names.
func (l *loader) section(name string, body *yaml.Node) {
	s := profileRules{pattern: lower(name)}
	l.profile = []string{s.pattern}
	l.each(body, func(key string, k, v *yaml.Node) {
		switch key {
		case "untrusted":
			s.untrusted = l.bool(v)
			if l.project && !s.untrusted {
				l.fail(v, "a project's file may only tighten: untrusted can only be true")
			}
		case "mode":
			l.mode(v, &s.mode)
		default:
			l.lists(key, k, v)
		}
	})
	l.profile = nil
	l.policy.profiles = append(l.policy.profiles, s)
}

func (l *loader) mode(v *yaml.Node, to *Mode) {
	switch m := Mode(v.Value); m {
	case Enforce:
		*to = m
	case Report:
		if l.project {
			l.fail(v, "a project's file may only tighten: mode can only be enforce")
			return
		}
		*to = m
	default:
		l.fail(v, "mode %q is not known: enforce or report", v.Value)
	}
}

func (l *loader) lists(key string, k, v *yaml.Node) {
	switch key {
	case "deny":
		l.rules(v, llm.ActionBlock)
	case "ask":
		l.rules(v, llm.ActionAsk)
	case "allow":
		if l.project {
			l.fail(k, "a project's file may only tighten: it cannot allow")
			return
		}
		l.rules(v, llm.ActionAllow)
	case "results":
		l.each(v, func(trust string, tk, list *yaml.Node) {
			switch trust {
			case "trusted":
				if l.project {
					l.fail(tk, "a project's file may only tighten: it cannot trust")
					return
				}
				l.results(list, fact.Trusted)
			case "untrusted":
				l.results(list, fact.Untrusted)
			case "blocked":
				l.results(list, fact.Blocked)
			default:
				l.fail(tk, "%q is not known here: trusted, untrusted, blocked", trust)
			}
		})
	default:
		l.fail(k, "%q is not known here: version, mode, deny, ask, allow, results, profiles, disable", key)
	}
}

func (l *loader) rules(list *yaml.Node, action llm.Action) {
	for _, n := range l.items(list) {
		r := &Rule{Action: action, Line: n.Line, File: l.name, profiles: l.profile}
		if l.builtin {
			r.File, r.Line = "", 0
		}
		l.each(n, func(key string, k, v *yaml.Node) {
			switch key {
			case "id":
				r.ID = l.id(v)
			case "because":
				r.Because = l.string(v)
			case "tool":
				r.tools = l.globs(v)
			case "profile":
				if l.profile != nil {
					l.fail(k, "the rule stands in a profile already")
				}
				r.profiles = l.globs(v)
			case "class":
				for _, s := range l.strings(v) {
					c, ok := fact.ParseClass(s)
					if !ok {
						l.fail(v, "class %q is not known: read, open_read, effect, destructive, execute", s)
					}
					r.classes = append(r.classes, c)
				}
			case "asked":
				for _, s := range l.strings(v) {
					a, ok := fact.ParseAsked(s)
					if !ok {
						l.fail(v, "asked %q is not known: yes, weakly, no", s)
					}
					r.asked = append(r.asked, a)
				}
			case "session":
				l.session(v, &r.session)
			case "when":
				for _, c := range l.items(v) {
					cond, _ := l.condition(c, false)
					cond.each = cond.path.wild && action != llm.ActionAllow
					r.when = append(r.when, cond)
				}
			case "match", "not_match":
				r.tests = append(r.tests, l.tests(v, key == "match")...)
			default:
				l.fail(k, "%q is not known in a rule: id, tool, class, profile, session, asked, when, because, match, not_match", key)
			}
		})
		if r.ID == "" {
			l.fail(n, "the rule has no id")
		}
		if r.tools == nil && r.classes == nil && r.when == nil && r.asked == nil && r.session == (session{}) {
			l.fail(n, "the rule matches every call: name a tool, \"*\" for all")
		}
		l.policy.rules = append(l.policy.rules, r)
	}
}

func (l *loader) results(list *yaml.Node, trust fact.Trust) {
	for _, n := range l.items(list) {
		r := &ResultRule{Trust: trust, Line: n.Line, File: l.name, profiles: l.profile}
		l.each(n, func(key string, k, v *yaml.Node) {
			switch key {
			case "id":
				r.ID = l.id(v)
			case "because":
				r.Because = l.string(v)
			case "tool":
				r.tools = l.globs(v)
			case "when":
				for _, c := range l.items(v) {
					cond, arg := l.condition(c, true)
					cond.each = cond.path.wild && trust != fact.Trusted
					r.when = append(r.when, resultCondition{cond, arg})
				}
			case "match", "not_match":
				r.tests = append(r.tests, l.tests(v, key == "match")...)
			default:
				l.fail(k, "%q is not known in a result rule: id, tool, when, because, match, not_match", key)
			}
		})
		if r.ID == "" {
			l.fail(n, "the rule has no id")
		}
		if r.tools == nil {
			l.fail(n, "the rule names no tool")
		}
		l.policy.results = append(l.policy.results, r)
	}
}
