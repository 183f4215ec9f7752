package trace_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
	"github.com/archestra-ai/archestra-cli/pkg/policy/lex"
	"github.com/archestra-ai/archestra-cli/pkg/policy/trace"
)

// sample is a handful of runs of our own, so that something is always measured.
func sample(t testing.TB) *set {
	t.Helper()
	s := &set{name: "sample", tools: map[string][]llm.Tool{}}
	in, err := os.Open(filepath.Join("testdata", "sample.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	for r, err := range trace.Read(in) {
		if err != nil {
			t.Fatal(err)
		}
		s.runs = append(s.runs, r)
	}
	tools, err := os.Open(filepath.Join("testdata", "tools", "office.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer tools.Close()
	if s.tools["office"], err = trace.Tools(tools); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSampleIsExplained(t *testing.T) {
	rules := map[string]bool{}
	refused, _ := explain(t, sample(t), 1, func(j *trace.Judged) { rules[j.Verdict.Rule] = true })
	// Of every kind of proof there is one: an identifier's place, the sentence that
	// asked, the reason for doubt, a path, a command.
	for _, id := range []string{"attack-identifier", "unasked", "lasting-write", "piped-shell"} {
		if !rules[id] {
			t.Errorf("nothing in the sample was refused by %s, only by %v", id, rules)
		}
	}
	if refused < 5 {
		t.Errorf("%d calls were refused", refused)
	}
}

// Every refusal in every stopped attack and every touched benign run names its
// rule, the argument that decided and its value, and the bytes of the message that
// the value, or the doubt, came from. By default a part of the runs is looked at;
// ARCHESTRA_TEST_ALL=1 looks at all.
func TestEveryRefusalIsExplained(t *testing.T) {
	step := 9
	if os.Getenv("ARCHESTRA_TEST_ALL") != "" {
		step = 1
	}
	for name := range targets {
		t.Run(name, func(t *testing.T) {
			refused, pointed := explain(t, load(t, name), step, nil)
			t.Logf("%d refusals, %d of them with the value's own bytes", refused, pointed)
			if refused == 0 || pointed == 0 {
				t.Errorf("%d refused, %d pointed at", refused, pointed)
			}
		})
	}
}

// explain replays every step-th run and checks each refusal. It tells how many
// there were, and in how many the place holds the value itself.
func explain(t *testing.T, data *set, step int, each func(*trace.Judged)) (refused, pointed int) {
	t.Helper()
	rp := data.replayer()
	known := map[string]policy.Info{}
	for _, i := range rp.Policy.Rules() {
		known[i.ID] = i
	}
	for n, r := range data.runs {
		if n%step != 0 {
			continue
		}
		for _, j := range rp.Replay(r).Judged {
			if !j.Refused() {
				continue
			}
			refused++
			own, err := explained(r, &j, known)
			if err != nil {
				t.Fatalf("%s, message %d, call %d: %v\n%+v", r.ID, j.Message, j.Index, err, j.Verdict)
			}
			if own {
				pointed++
			}
			if each != nil {
				each(&j)
			}
		}
	}
	return refused, pointed
}

// explained checks one refusal, and tells whether its place holds the value.
func explained(r *trace.Run, j *trace.Judged, known map[string]policy.Info) (own bool, err error) {
	v := j.Verdict
	if rule, ok := known[v.Rule]; !ok || rule.Action != v.Action || v.Reason == "" {
		return false, fmt.Errorf("no rule in force is %q for %s, or it gives no reason", v.Rule, v.Action)
	}
	leaves, facts := v.Facts.Leaves(), v.Facts
	argument := func(l fact.Leaf) bool { return l.Path == v.Path }
	if v.Facts.Confirms != nil && !slices.ContainsFunc(leaves, argument) {
		// A code or a password was refused for the effect that it confirms.
		leaves, facts = v.Facts.Confirms.Leaves(), v.Facts.Confirms
	}
	at := slices.IndexFunc(leaves, argument)
	switch {
	case len(leaves) == 0:
	case at < 0:
		return false, fmt.Errorf("the call has no argument %q", v.Path)
	case v.Value == "" && leaves[at].Value != "":
		return false, fmt.Errorf("no value of %q", v.Path)
	case !strings.Contains(leaves[at].Value, v.Value):
		return false, fmt.Errorf("the argument %q is not %q but %q", v.Path, v.Value, leaves[at].Value)
	}
	src := v.Source
	if src == nil {
		return false, fmt.Errorf("no source")
	}
	if src.Message < 0 || src.Message >= len(r.Messages) || src.Message >= j.Message || src.Part != 0 || r.Messages[src.Message].Content == nil {
		return false, fmt.Errorf("there is no message %d, part %d before the call", src.Message, src.Part)
	}
	text := *r.Messages[src.Message].Content
	if src.Start < 0 || src.Start >= src.End || src.End > len(text) {
		return false, fmt.Errorf("bytes %d-%d of %d", src.Start, src.End, len(text))
	}
	if place := fmt.Sprintf("message %d, bytes %d-%d", src.Message, src.Start, src.End); known[v.Rule].File == "" && v.Rule != "lasting-write" && !strings.Contains(v.Reason, place) {
		return false, fmt.Errorf("the reason does not name %s", place)
	}
	// Where the place is the value's own, its bytes hold the value.
	for i := range facts.Values {
		f := &facts.Values[i]
		if f.Path != v.Path || f.Text != v.Value || src.Form != lex.Exact || !slices.ContainsFunc(f.Seen, func(h fact.Seen) bool { return h == *src }) {
			continue
		}
		got, want := letters(text[src.Start:src.End]), letters(v.Value)
		if !strings.Contains(want, got) && !strings.Contains(got, want) || got == "" {
			return false, fmt.Errorf("%q is said to hold %q", got, want)
		}
		return true, nil
	}
	return false, nil
}

func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" .-_/:@\n\\", r) {
			return -1
		}
		return r
	}, lex.Fold(s))
}
