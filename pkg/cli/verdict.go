package cli

import "github.com/archestra-ai/archestra-cli/pkg/llm"

// verdictWords tells what became of a call in a word or two, or "" where it was not
// judged: what the rules decided, how it was answered, or where they only report
// what they would have done.
func verdictWords(c *llm.ToolCall) (words string, st style) {
	switch {
	case c.Would != "" && c.Would != llm.ActionAllow:
		return "would " + string(c.Would), yellow
	case c.Verdict == llm.ActionAsk && c.Answer == llm.ActionAllow:
		return "ask allowed", yellow
	case c.Verdict == llm.ActionAsk:
		return string(c.Verdict), yellow
	case c.Verdict == llm.ActionBlock:
		return string(c.Verdict), red
	}
	return string(c.Verdict), plain
}

// sternness ranks calls: the one to tell of first is the highest.
func sternness(c *llm.ToolCall) int {
	switch {
	case c.Verdict == llm.ActionBlock:
		return 5
	case c.Verdict == llm.ActionAsk:
		return 4
	case c.Would == llm.ActionBlock:
		return 3
	case c.Would == llm.ActionAsk:
		return 2
	case c.Verdict == llm.ActionAllow:
		return 1
	}
	return 0
}
