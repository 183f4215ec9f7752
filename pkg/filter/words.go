package filter

import (
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// Kind says how a word's values are written and compared.
type Kind string

// The kinds of words.
const (
	Name     Kind = "name"     // the whole text, or a pattern with *
	Prefix   Kind = "prefix"   // the beginning of the text, or a pattern with *
	Contains Kind = "contains" // a part of the text, or a pattern with *
	Count    Kind = "count"    // a whole number; k and m multiply
	Money    Kind = "money"    // dollars
	Duration Kind = "duration" // 500ms, 2s, 1m30s
	Bool     Kind = "bool"     // true or false
	Moment   Kind = "moment"   // ago (10m, 2h, 7d), a date, RFC 3339, today, yesterday
)

// Word is a word that may stand before a colon.
type Word struct {
	Name    string
	Kind    Kind
	Help    string   // one line, for people
	Example string   // a value
	Values  []string // all values that there are, where they are few

	texts  func(i *llm.Interaction, match func(string) bool) bool
	number func(i *llm.Interaction) (n int64, known bool)
}

// Words returns every word in the order in which to show them.
func Words() []Word { return append([]Word(nil), words...) }

// Lookup finds a word by its name, whatever its case.
func Lookup(name string) (Word, bool) {
	for i := range words {
		if strings.EqualFold(words[i].Name, name) {
			return words[i], true
		}
	}
	return Word{}, false
}

// one makes the reader of a text that an interaction has once.
func one(get func(i *llm.Interaction) string) func(*llm.Interaction, func(string) bool) bool {
	return func(i *llm.Interaction, match func(string) bool) bool { return match(get(i)) }
}

var words = []Word{
	{Name: "provider", Kind: Name, Help: "the provider called", Example: "anthropic",
		texts: one(func(i *llm.Interaction) string { return i.Provider })},
	{Name: "profile", Kind: Name, Help: "the profile it ran under", Example: "ci",
		texts: one(func(i *llm.Interaction) string { return i.Profile })},
	{Name: "model", Kind: Name, Help: "the model, as answered or as asked for", Example: "*opus*",
		texts: func(i *llm.Interaction, match func(string) bool) bool {
			if i.Model == "" || i.RequestModel == "" {
				return match(i.Model + i.RequestModel)
			}
			return match(i.Model) || match(i.RequestModel)
		}},
	{Name: "api", Kind: Name, Help: "the API called", Example: "messages",
		Values: []string{string(llm.APIChatCompletions), string(llm.APIResponses), string(llm.APIMessages),
			string(llm.APIGenerateContent), string(llm.APIOllamaChat), string(llm.APIOllamaGenerate), string(llm.APIOther)},
		texts: one(func(i *llm.Interaction) string { return string(i.API) })},
	{Name: "status", Kind: Count, Help: "the HTTP status; 4xx and 5xx for all of a kind", Example: ">=400",
		number: func(i *llm.Interaction) (int64, bool) { return int64(i.Status), i.Status != 0 }},
	{Name: "state", Kind: Name, Help: "where it stands", Example: "done",
		Values: []string{string(llm.StateStreaming), string(llm.StateHeld), string(llm.StateDone), string(llm.StateFailed),
			string(llm.StateCancelled), string(llm.StateIncomplete), string(llm.StateRefused), string(llm.StateInterrupted)},
		texts: one(func(i *llm.Interaction) string { return string(i.State) })},
	{Name: "stream", Kind: Bool, Help: "whether a stream was asked for", Example: "true",
		Values: []string{"true", "false"},
		number: func(i *llm.Interaction) (int64, bool) {
			if i.Stream {
				return 1, true
			}
			return 0, true
		}},
	{Name: "verdict", Kind: Name, Help: "what a rule decided on a tool call or a finding", Example: "block",
		Values: []string{string(llm.ActionAllow), string(llm.ActionAsk), string(llm.ActionBlock)},
		texts:  verdicts},
	{Name: "tool", Kind: Name, Help: "a tool that the model called; tool:* for any", Example: "Bash",
		texts: func(i *llm.Interaction, match func(string) bool) bool {
			for k := range i.ToolCalls {
				if match(i.ToolCalls[k].Name) {
					return true
				}
			}
			return len(i.ToolCalls) == 0 && match("")
		}},
	{Name: "finding", Kind: Name, Help: "the kind of a finding, or its detector; finding:* for any", Example: "secret",
		texts: func(i *llm.Interaction, match func(string) bool) bool {
			for k := range i.Findings {
				if match(i.Findings[k].Kind) || i.Findings[k].Detector != "" && match(i.Findings[k].Detector) {
					return true
				}
			}
			return len(i.Findings) == 0 && match("")
		}},
	{Name: "error", Kind: Contains, Help: "in the type, code or message of the error; error:* for any", Example: "rate_limit",
		texts: func(i *llm.Interaction, match func(string) bool) bool {
			if e := i.Error; e != nil {
				return match(string(e.Source)) || e.Type != "" && match(e.Type) ||
					e.Code != "" && match(e.Code) || e.Message != "" && match(e.Message)
			}
			return match("")
		}},
	{Name: "agent", Kind: Name, Help: "the client's agent", Example: "claude-code",
		texts: one(func(i *llm.Interaction) string { return i.Client.Agent })},
	{Name: "session", Kind: Prefix, Help: "the client's session, or its beginning", Example: "9f2",
		texts: one(func(i *llm.Interaction) string { return i.Client.Session })},
	{Name: "id", Kind: Prefix, Help: "the interaction's id, or its beginning", Example: "0199",
		texts: one(func(i *llm.Interaction) string { return i.ID })},
	{Name: "method", Kind: Name, Help: "the HTTP method", Example: "POST",
		texts: one(func(i *llm.Interaction) string { return i.Method })},
	{Name: "path", Kind: Contains, Help: "in the path that the client called", Example: "/embeddings",
		texts: one(func(i *llm.Interaction) string { return i.Path })},
	{Name: "cost", Kind: Money, Help: "the cost in dollars", Example: ">0.10",
		number: func(i *llm.Interaction) (int64, bool) {
			if i.CostUSD == nil {
				return 0, false
			}
			return int64(*i.CostUSD), true
		}},
	{Name: "tokens", Kind: Count, Help: "input and output tokens together", Example: ">10k",
		number: func(i *llm.Interaction) (int64, bool) {
			if i.Usage == nil {
				return 0, false
			}
			in, hasIn := tokens(i.Usage.InputTokens)
			out, hasOut := tokens(i.Usage.OutputTokens)
			return in + out, hasIn || hasOut
		}},
	{Name: "in", Kind: Count, Help: "input tokens, cached ones included", Example: ">100k",
		number: func(i *llm.Interaction) (int64, bool) {
			if i.Usage == nil {
				return 0, false
			}
			return tokens(i.Usage.InputTokens)
		}},
	{Name: "out", Kind: Count, Help: "output tokens, reasoning included", Example: ">1k",
		number: func(i *llm.Interaction) (int64, bool) {
			if i.Usage == nil {
				return 0, false
			}
			return tokens(i.Usage.OutputTokens)
		}},
	{Name: "ttft", Kind: Duration, Help: "the time to the first token", Example: ">2s",
		number: func(i *llm.Interaction) (int64, bool) { return millis(i.TTFTMS) }},
	{Name: "duration", Kind: Duration, Help: "how long it took", Example: ">1m",
		number: func(i *llm.Interaction) (int64, bool) { return millis(i.DurationMS) }},
	{Name: "since", Kind: Moment, Help: "started then or later: ago, a date, or RFC 3339", Example: "1h"},
	{Name: "until", Kind: Moment, Help: "started before: ago, a date, or RFC 3339", Example: "2026-01-31"},
}

func verdicts(i *llm.Interaction, match func(string) bool) bool {
	none := true
	for k := range i.ToolCalls {
		if v := i.ToolCalls[k].Verdict; v != "" {
			if none = false; match(string(v)) {
				return true
			}
		}
	}
	for k := range i.Findings {
		if v := i.Findings[k].Action; v != "" {
			if none = false; match(v) {
				return true
			}
		}
	}
	return none && match("")
}

func tokens(n *int64) (int64, bool) {
	if n == nil {
		return 0, false
	}
	return *n, true
}

func millis(m *llm.Millis) (int64, bool) {
	if m == nil {
		return 0, false
	}
	return int64(*m), true
}
