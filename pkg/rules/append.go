package rules

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy"
)

// Append writes a rule into the user's file, under "allow:" or, for
// llm.ActionBlock, "deny:". element is one element of a list in YAML, as
// policy.Narrowest writes it. All else in the file stays as it is, byte for byte; a
// file that is not there is made. The rule is in force when Append returns.
//
// Nothing is written where the file would not load with the rule, or does not load
// as it is. A rule that stands there already is not written again.
func (r *Rules) Append(element string, action llm.Action) error {
	list, ok := map[llm.Action]string{llm.ActionAllow: "allow", llm.ActionBlock: "deny"}[action]
	if !ok {
		return fmt.Errorf("no rule is made of the answer %q", action)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.files) == 0 || r.files[0].project {
		return errors.New("there is no file to write the rule to")
	}
	const tries = 3 // against somebody who writes the file at the same time
	for range tries {
		err := r.append(r.files[0], element, list, action)
		if !errors.Is(err, errBusy) {
			return err
		}
	}
	return fmt.Errorf("the rule was not written: %s: %w", r.files[0].path, errBusy)
}

func (r *Rules) append(f *file, element, list string, action llm.Action) error {
	s, err := read(f.path)
	if err != nil {
		return fmt.Errorf("the rule was not written: %s: %w", f.path, err)
	}
	old, err := r.with(f, s.data)
	if err != nil {
		return fmt.Errorf("the rule was not written, since the file does not load as it is: %w", err)
	}
	rule, err := parseElement(element)
	if err != nil {
		return fmt.Errorf("the rule was not written: %w", err)
	}
	same := func(i policy.Info) bool { return i.ID == rule.id && i.File == f.path && i.Action == action }
	if slices.ContainsFunc(old.Rules(), same) {
		r.accept(f, s, old)
		return nil
	}
	text, err := insert(s.data, list, rule)
	if err != nil {
		return fmt.Errorf("the rule was not written: %s: %w", f.path, err)
	}
	loaded, err := r.with(f, text)
	if err != nil {
		return fmt.Errorf("the rule was not written, since it does not load: %w", err)
	}
	if !onlyAdded(old.Rules(), loaded.Rules(), rule.id) {
		return fmt.Errorf("the rule was not written: %s: it is not clear where %q belongs in it", f.path, list)
	}
	if now := glance(f.path); !now.same(s) {
		return errBusy
	}
	if err := write(f.path, text); err != nil {
		return fmt.Errorf("the rule was not written: %w", err)
	}
	s = glance(f.path)
	s.data = text
	r.accept(f, s, loaded)
	return nil
}

// with loads the rules as they are with another text of a file.
func (r *Rules) with(f *file, text []byte) (*policy.Policy, error) {
	before := f.good
	defer func() { f.good = before }()
	f.good = text
	return r.load()
}

// accept puts a text of a file in force that was loaded.
func (r *Rules) accept(f *file, s state, p *policy.Policy) {
	f.seen, f.good, f.pending, f.problem, f.rejected = s, s.data, nil, "", false
	r.current.Store(p)
	r.tell()
}

// onlyAdded tells whether the new rules are the old ones and one more.
func onlyAdded(before, after []policy.Info, id string) bool {
	added := 0
	after = slices.DeleteFunc(slices.Clone(after), func(i policy.Info) bool {
		if i.ID == id {
			added++
		}
		return i.ID == id
	})
	return added == 1 && slices.EqualFunc(before, after, func(a, b policy.Info) bool {
		a.Line, b.Line = 0, 0
		return a == b
	})
}

// element is one rule, as the text of a list.
type element struct {
	id    string
	lines [][]byte   // in block style, from the dash on
	node  *yaml.Node // to be written in flow style
}

func parseElement(text string) (element, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return element{}, err
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.SequenceNode || len(doc.Content[0].Content) != 1 {
		return element{}, errors.New("one element of a list is expected")
	}
	e := element{node: doc.Content[0].Content[0], lines: bytes.Split(bytes.TrimRight([]byte(text), "\n"), []byte("\n"))}
	if !bytes.HasPrefix(e.lines[0], []byte("-")) {
		return element{}, errors.New("the element does not begin with a dash")
	}
	if id := member(e.node, "id"); id != nil {
		e.id = id.Value
	}
	if e.id == "" {
		return element{}, errors.New("the rule has no id")
	}
	return e, nil
}

// member returns the value of a name in a mapping, or nil.
func member(m *yaml.Node, name string) *yaml.Node {
	for i := 0; m.Kind == yaml.MappingNode && i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == name {
			return m.Content[i+1]
		}
	}
	return nil
}

// write puts a text in the place of a file in one step, so that nobody ever reads
// half of it. A symbolic link stays, and what it points to is written.
func write(path string, text []byte) (err error) {
	path = target(path)
	mode := fs.FileMode(0o600)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	out, err := os.CreateTemp(dir, ".policy-*.yaml")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(out.Name()) // the error before says more
		}
	}()
	_, err = out.Write(text)
	err = errors.Join(err, out.Chmod(mode), out.Sync(), out.Close())
	if err != nil {
		return err
	}
	return os.Rename(out.Name(), path)
}

// target follows symbolic links, also to where there is no file yet.
func target(path string) string {
	const most = 40 // as Linux follows
	for range most {
		to, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return path
}
