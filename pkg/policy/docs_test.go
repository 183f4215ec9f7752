package policy_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/policy"
)

// TestDocs loads each file of rules that docs/policy.md shows, which runs the tests
// in it. Every rule there has some, and every predicate is shown.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := ""
	blocks := strings.Split(string(text), "\n```yaml\n")[1:]
	if len(blocks) < 5 {
		t.Fatalf("%d blocks of YAML", len(blocks))
	}
	for _, b := range blocks {
		b, _, ended := strings.Cut(b, "\n```\n")
		if !ended {
			t.Fatalf("a block does not end:\n%s", b)
		}
		shown += b
		p, err := policy.Load(policy.File{Name: "block", Data: []byte(b), Project: strings.HasPrefix(b, "# .archestra/")})
		if err != nil {
			t.Errorf("%v\n%s", err, b)
			continue
		}
		for _, r := range p.Rules() {
			if r.File != "" && r.Tests < 2 {
				t.Errorf("the rule %s has no tests", r.ID)
			}
		}
	}
	for _, name := range policy.Predicates() {
		if !strings.Contains(shown, name+":") {
			t.Errorf("no example shows %s", name)
		}
	}
	if !slices.Contains(policy.Predicates(), "from") {
		t.Error("the predicates are not those")
	}
}
