package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/archestra-ai/archestra-cli/pkg/filter"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// varied makes an interaction of few different values, so that filters hit.
func varied(r *rand.Rand) *llm.Interaction {
	i := entry(pick(r, "", "the quick fox", "日本語を話す", "Fox News, quickly", "ÄÖ straße", "100% off_season")).Interaction
	i.Provider = pick(r, "openai", "anthropic", "open%ai")
	i.Profile = pick(r, "ci", "prod", "p_d")
	i.API = pick(r, llm.APIMessages, llm.APIResponses, llm.APIOther)
	i.Method = pick(r, "POST", "GET")
	i.Path = pick(r, "/v1/a/embeddings", "/v1/b/Messages")
	i.State = pick(r, llm.StateDone, llm.StateFailed, llm.StateCancelled)
	i.Status = pick(r, 0, 200, 404, 500)
	i.Stream = r.IntN(2) == 0
	i.Model, i.RequestModel = pick(r, "", "claude-opus-4", "gpt-4o"), pick(r, "", "opus", "gpt-4o")
	i.Client.Agent, i.Client.Session = pick(r, "", "codex", "claude-code"), pick(r, "", "9f2a", "9F2b")
	if r.IntN(3) == 0 {
		i.Usage, i.CostUSD = nil, nil
	} else {
		i.Usage = &llm.Usage{InputTokens: pick(r, nil, ptr(int64(10)), ptr(int64(5000)))}
		i.Usage.OutputTokens = pick(r, nil, ptr(int64(0)), ptr(int64(700)))
		i.CostUSD = pick(r, nil, ptr(llm.Decimal(0)), ptr(llm.Decimal(2e11)))
	}
	i.TTFTMS = pick(r, nil, llm.MillisOf(500*time.Millisecond), llm.MillisOf(3*time.Second))
	i.DurationMS = pick(r, nil, llm.MillisOf(time.Second), llm.MillisOf(time.Minute))
	for range r.IntN(3) {
		i.ToolCalls = append(i.ToolCalls, llm.ToolCall{
			Name: pick(r, "Bash", "Read", "mcp__x\"y", "a\nb"), Verdict: pick(r, "", llm.ActionAllow, llm.ActionBlock),
			Arguments: []byte(pick(r, `{"cmd":"rm -rf fox"}`, `{"n":[1,"quick"]}`)),
		})
	}
	for range r.IntN(2) {
		i.Findings = append(i.Findings, llm.Finding{Kind: pick(r, "secret", "pii"), Detector: pick(r, "", "aws"), Action: pick(r, "", "ask", "block")})
	}
	if r.IntN(3) == 0 {
		i.Error = &llm.Error{Source: pick(r, llm.SourceUpstream, llm.SourceArchestra), Type: pick(r, "", "overloaded_error"), Message: pick(r, "", "Rate limit")}
	}
	return i
}

// randomFilter writes a filter of a few terms.
func randomFilter(r *rand.Rand, depth int) string {
	if depth > 0 && r.IntN(2) == 0 {
		op := pick(r, " ", " | ")
		s := randomFilter(r, depth-1) + op + randomFilter(r, depth-1)
		return pick(r, "", "-") + "(" + s + ")"
	}
	return pick(r, "", "", "-") + pick(r,
		"provider:openai", "provider:open%ai", "provider:o*i", "provider:*", `provider:""`, "profile:p_d|ci", "profile:p?d",
		"api:mess*", "method:post", "path:/messages", "path:*embeddings", "state:done", "state:failed|cancelled",
		"status:200", "status:>=400", "status:4xx", "status:!=404", "stream:true", "stream:false",
		"model:*opus*", "model:opus", "model:gpt-4o", `model:""`, "model:*", "agent:codex", `agent:""`, "agent:c*",
		"session:9f2", "session:9f2a", `session:""`, "cost:>0.1", "cost:0", "cost:<1", "tokens:>100", "tokens:0", "in:10", "out:<=700", "out:0",
		"ttft:>1s", "duration:<=1s", "tool:Bash", "tool:*", `tool:""`, "tool:mcp*", `tool:"a*b"`, `tool:"mcp__x\"y"`, "verdict:block", "verdict:a*", `verdict:""`,
		"finding:secret", "finding:aws|pii", `finding:""`, "finding:*", "error:*", "error:rate", "error:overloaded|archestra", `error:""`,
		"fox", "quick", "qui", `"quick fox"`, `"the quick"`, "語", `"日本"`, "straße", "STRASSE", "ä", `"rm -rf"`, `"100% off"`, "seas", "season", "claude",
		"since:2026-11-25T10:05:00Z", "until:2026-11-25T10:10:00Z")
}

// SQL picks what filter.Match picks.
func TestFilterAgreesWithMatch(t *testing.T) {
	r := newRand(11)
	s := open(t, t.TempDir(), Options{})
	var all []*llm.Interaction
	for range 300 {
		e := entry("")
		e.Interaction, e.SearchText = varied(r), ""
		finish(t, s, e)
		all = append(all, e.Interaction)
	}
	sync1(t, s)
	searched := s.searched
	s.searched = nil // nothing is indexed
	agree(t, r, s, all, 200)
	s.searched = searched
	indexed(t, s)
	s.searched = nil
	agree(t, r, s, all, 200)
	for range 100 {
		e := entry("")
		e.Interaction, e.SearchText = varied(r), ""
		finish(t, s, e)
		all = append(all, e.Interaction)
	}
	sync1(t, s)
	agree(t, r, s, all, 200) // some are indexed, and some are not
}

// agree compares the answers to n random filters.
func agree(t *testing.T, r *rand.Rand, s *Store, all []*llm.Interaction, n int) {
	t.Helper()
	some := 0
	for range n {
		text := randomFilter(r, 3)
		f, err := filter.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var want []string
		for _, i := range all {
			if f.Match(i, nil) {
				want = append(want, i.ID)
			}
		}
		list, err := s.List(t.Context(), Query{Filter: f})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, idsOf(list)); diff != "" {
			t.Fatalf("%s (-match +sql):\n%s", text, diff)
		}
		for _, oldest := range []bool{false, true} {
			part := want[max(len(want)-7, 0):]
			if oldest {
				part = want[:min(len(want), 7)]
			}
			list, err := s.List(t.Context(), Query{Filter: f, Limit: 7, Oldest: oldest})
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if diff := cmp.Diff(part, idsOf(list), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("%s, seven (-match +sql):\n%s", text, diff)
			}
		}
		sum, err := s.Stats(t.Context(), f, nil)
		if err != nil || len(sum) != 1 || sum[0].Requests != int64(len(want)) {
			t.Fatalf("%s: statistics of %+v, not of %d: %v", text, sum, len(want), err)
		}
		if len(want) > 0 && len(want) < len(all) {
			some++
		}
	}
	if some < n*3/7 {
		t.Errorf("only %d filters told anything", some)
	}
}

func idsOf(list []*llm.Interaction) (ids []string) {
	for _, i := range list {
		ids = append(ids, i.ID)
	}
	return ids
}

// Whatever stands in a filter is data to SQL.
func TestFilterIsNotSQL(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	finish(t, s, entry("x"))
	sync1(t, s)
	for _, evil := range []string{`' OR 1=1 --`, `x"; DROP TABLE interaction; --`, `a* OR b`, `NEAR(a b)`, `text : x`, `^x`, `{x}`, "a AND b", "%", "_"} {
		for _, text := range []string{`provider:` + quoted(evil), `tool:` + quoted(evil), `x ` + quoted("y "+evil)} {
			f, err := filter.Parse(text)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			list, err := s.List(t.Context(), Query{Filter: f})
			if err != nil || len(list) != 0 {
				t.Errorf("%s: %d, %v", text, len(list), err)
			}
		}
	}
	if list, err := s.List(t.Context(), Query{}); err != nil || len(list) != 1 {
		t.Errorf("%d, %v", len(list), err)
	}
}

func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `*`, `\*`).Replace(s) + `"`
}

func TestQueryRanges(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	var ids []string
	var at []time.Time
	for n := range 10 {
		e := entry(fmt.Sprint("n", n))
		finish(t, s, e)
		ids, at = append(ids, e.Interaction.ID), append(at, e.Interaction.StartedAt)
	}
	sync1(t, s)
	tests := []struct {
		q        Query
		from, to int
	}{
		{Query{}, 0, 10},
		{Query{Limit: 3}, 7, 10},
		{Query{Limit: 3, Oldest: true}, 0, 3},
		{Query{Before: ids[5]}, 0, 5},
		{Query{Before: ids[5], Limit: 2}, 3, 5},
		{Query{After: ids[5]}, 6, 10},
		{Query{After: ids[5], Limit: 2, Oldest: true}, 6, 8},
		{Query{Since: at[4]}, 4, 10},
		{Query{Since: at[4], Until: at[6]}, 4, 6},
		{Query{Before: "unknown"}, 0, 0},
	}
	for _, tt := range tests {
		list, err := s.List(t.Context(), tt.q)
		if err != nil {
			t.Fatal(err)
		}
		if got := idsOf(list); !slices.Equal(got, ids[tt.from:tt.to]) {
			t.Errorf("%+v: %d interactions, want [%d,%d)", tt.q, len(got), tt.from, tt.to)
		}
	}
	for _, text := range []string{"codex", "gpt codex", "codex status:200"} {
		f, err := filter.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range tests {
			tt.q.Filter = f
			list, err := s.List(t.Context(), tt.q)
			if got := idsOf(list); err != nil || !slices.Equal(got, ids[tt.from:tt.to]) {
				t.Errorf("%+v: %d interactions, want [%d,%d), %v", tt.q, len(got), tt.from, tt.to, err)
			}
		}
	}
	for _, none := range []filter.Expr{filter.Text("->"), filter.And{filter.Text("codex"), filter.Text("->")}} {
		if list, err := s.List(t.Context(), Query{Filter: none, Limit: 5}); err != nil || len(list) != 0 {
			t.Errorf("%v: %d, %v", none, len(list), err)
		}
	}
	n := 0
	for range s.Each(t.Context(), Query{}) {
		if n++; n == 2 {
			break // and nothing is left open
		}
	}
}

func TestStatsAndProfiles(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	for n := range 20 {
		e := entry("x")
		i := e.Interaction
		i.TTFTMS = llm.MillisOf(time.Duration(n+1) * 100 * time.Millisecond)
		i.CostUSD = ptr(llm.Decimal(1000))
		switch {
		case n < 5:
			i.Provider, i.Profile, i.Model = "anthropic", "ci", ""
			i.RequestModel = "opus"
		case n == 5:
			i.State, i.Status = llm.StateFailed, 529
		case n == 6:
			i.Status = 400
		case n == 7:
			i.ToolCalls = []llm.ToolCall{{Name: "B", Verdict: llm.ActionBlock}, {Name: "B", Verdict: llm.ActionBlock}}
		case n == 8:
			i.CostUSD, i.TTFTMS = nil, nil
		case n == 9:
			i.CostUSD, i.Usage, i.TTFTMS = nil, nil, nil
		}
		finish(t, s, e)
	}
	sync1(t, s)
	all, err := s.Stats(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []Stat{{
		Totals: Totals{Requests: 20, Errors: 2, Blocked: 1, InputTokens: 19 * 120, OutputTokens: 19 * 40, CostUSD: 18_000, Unpriced: 1},
		// 18 times, of which 900 ms and 1 s are missing.
		TTFTP50: llm.MillisOf(1100 * time.Millisecond), TTFTP95: llm.MillisOf(2 * time.Second),
	}}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
	by, err := s.Stats(t.Context(), nil, []string{"provider", "model", "day"})
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, r := range by {
		rows = append(rows, fmt.Sprint(r.Provider, " ", r.Model, " ", r.Day, " ", r.Requests))
	}
	day := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC).Local().Format(time.DateOnly)
	if diff := cmp.Diff([]string{"anthropic opus " + day + " 5", "openai gpt-4o-mini-2024-07-18 " + day + " 15"}, rows); diff != "" && len(rows) == 2 {
		t.Errorf("by provider, model and day (-want +got):\n%s", diff)
	}
	f, err := filter.Parse("provider:anthropic")
	if err != nil {
		t.Fatal(err)
	}
	some, err := s.Stats(t.Context(), f, nil)
	if err != nil || len(some) != 1 || some[0].Requests != 5 {
		t.Errorf("filtered: %+v, %v", some, err)
	}
	none, err := filter.Parse("provider:none")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Stats(t.Context(), none, nil); err != nil || len(got) != 1 || got[0].Requests != 0 {
		t.Errorf("none: %+v, %v", got, err)
	}
	if _, err := s.Stats(t.Context(), nil, []string{"id; DROP TABLE piece"}); err == nil {
		t.Error("statistics by anything")
	}
	profiles, err := s.Profiles(t.Context())
	if err != nil || len(profiles) != 2 {
		t.Fatalf("%+v, %v", profiles, err)
	}
	p := profiles[1]
	if p.Name != "ci" || p.Requests != 5 || p.LastUsed.Sub(p.FirstUsed) != 4*time.Second {
		t.Errorf("%+v", p)
	}
}
