package cli

import (
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/config"
	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

func TestCompletions(t *testing.T) {
	hostile := agentTurn()
	hostile.ID, hostile.Model = "0198c2f4-1a2b-7c3d-8e4f-0000aaaaaaaa", "evil\x1b]52;c;aGk=\x07\nmodel"
	dir := serve(t, &memory{
		interactions: []*llm.Interaction{hostile, agentTurn()},
		profiles:     []control.Profile{{ID: "ci"}, {ID: "dev"}},
		stats:        []control.Stat{{Model: "claude-opus-4-6"}, {Model: "two words"}},
	})
	for _, c := range []struct {
		args []string
		want string // the lines before the directive, less their descriptions
	}{
		{[]string{"show", ""}, "last 3f9a21c0 aaaaaaaa"},
		{[]string{"show", "3f"}, "3f9a21c0"},
		{[]string{"show", "0198c2f4-1a2b-7c3d-8e4f-00003"}, "0198c2f4-1a2b-7c3d-8e4f-00003f9a21c0"},
		{[]string{"show", "la"}, "last"},
		{[]string{"show", "last", ""}, ""},
		{[]string{"logs", "--filter", "profile:"}, "profile:ci profile:dev"},
		{[]string{"logs", "--filter", "provider:x"}, "provider:xai"},
		{[]string{"tail", "--filter", "stream:true -model:c"}, "stream:true -model:claude-opus-4-6"},
		{[]string{"export", "--filter", "model:two"}, ""},
		{[]string{"stats", "--filter", "prov"}, "provider:"},
		{[]string{"run", "--profile", "d"}, "dev"},
		{[]string{"env", "--profile", ""}, "ci dev"},
		{[]string{"serve", "--mode", ""}, "enforce report off"},
	} {
		out, _ := must(t, dir, terminal{}, append([]string{"__complete"}, c.args...)...)
		var got []string
		for line := range strings.Lines(out) {
			text, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			if strings.HasPrefix(text, ":") {
				break
			}
			got = append(got, text)
		}
		// A word of two parts is one completion.
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q offers %q, want %q", c.args, got, c.want)
		}
		if strings.ContainsAny(out, "\x1b\x07") {
			t.Errorf("%q prints control characters: %q", c.args, out)
		}
	}
}

// TestCompletionsWithoutAnything: what cannot be read offers nothing, and is no
// error on somebody's command line.
func TestCompletionsWithoutAnything(t *testing.T) {
	for _, args := range [][]string{{"logs", "--filter", "profile:"}, {"run", "--profile", ""}} {
		if out, _ := must(t, t.TempDir(), terminal{}, append([]string{"__complete"}, args...)...); !strings.HasPrefix(out, ":") {
			t.Errorf("%q offers %q", args, out)
		}
	}
}

// TestChoices: every value that is offered is one that the setting takes.
func TestChoices(t *testing.T) {
	for name, values := range choices {
		found := false
		for _, s := range config.Settings() {
			if s.Name != name {
				continue
			}
			found = true
			for _, v := range values {
				if !strings.Contains(s.Accepts, v) {
					t.Errorf("%s: %s is not among %q", name, v, s.Accepts)
				}
			}
			if n := strings.Count(s.Accepts, ",") + 2; n != len(values) {
				t.Errorf("%s: %d values are offered of %q", name, len(values), s.Accepts)
			}
		}
		if !found {
			t.Errorf("there is no setting %s", name)
		}
	}
}
