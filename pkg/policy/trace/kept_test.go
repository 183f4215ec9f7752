package trace_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
	"github.com/archestra-ai/archestra-cli/pkg/policy/trace"
)

// What an analyzer may keep changes no verdict: runs that take turns, call by call,
// are judged as each by itself, by one that keeps all and by one that keeps next to
// nothing.
func TestVerdictsDoNotDependOnWhatWasKept(t *testing.T) {
	const atOnce, every = 6, 60
	rules := policy.Default()
	wide, narrow := fact.NewAnalyzer(0), fact.NewAnalyzer(96<<10)
	calls := 0
	shown := func(v policy.Verdict) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, name := range []string{"agentdojo"} {
		s := load(t, name)
		var runs []*trace.Run
		for i := 0; i < len(s.runs); i += every {
			if len(s.runs[i].Messages) > 0 {
				runs = append(runs, s.runs[i])
			}
		}
		for len(runs) > 0 {
			some := runs[:min(atOnce, len(runs))]
			runs = runs[len(some):]
			type turn struct {
				trace.Judged
				c *llm.Conversation
			}
			var turns [][]turn
			longest := 0
			for _, r := range some {
				rp := trace.Replayer{Analyzer: fact.NewAnalyzer(0), Policy: rules, Tools: func(suite string) []llm.Tool { return s.tools[suite] }}
				all := &llm.Conversation{Tools: s.tools[r.Suite]}
				for _, m := range r.Messages {
					all.Messages = append(all.Messages, m.Neutral())
				}
				var of []turn
				for _, j := range rp.Replay(r).Judged {
					c := *all
					c.Messages = c.Messages[:j.Message]
					of = append(of, turn{j, &c})
				}
				turns = append(turns, of)
				longest = max(longest, len(of))
			}
			for at := range longest {
				for _, of := range turns {
					if at >= len(of) {
						continue
					}
					want := shown(rules.Judge("", of[at].Verdict.Facts, nil))
					calls++
					for name, a := range map[string]*fact.Analyzer{"wide": wide, "narrow": narrow} {
						v := rules.Session(a, "", of[at].c, nil).Judge(of[at].Call)
						if diff := cmp.Diff(want, shown(v)); diff != "" {
							t.Fatalf("%s (-by itself +kept)\n%s", name, diff)
						}
					}
				}
			}
			if kept := narrow.Bytes(); kept > 96<<10 {
				t.Fatalf("%d bytes are kept", kept)
			}
		}
	}
	t.Logf("%d calls", calls)
}
