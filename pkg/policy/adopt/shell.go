package adopt

import (
	"regexp"
	"strings"
)

// What a wildcard stands for in an allowance: nothing that could begin another
// command, write a file or hold a command within.
const harmless = "[^;&|<>$`\\n()]*"

// commandBegin is where a command begins within a line of shell, also behind what
// runs another, variables set for it, and with a folder before its name; commandEnd is
// where it ends.
const (
	commandBegin = "(?:^|[;&|({`\\n]|\\b(?:sudo|env|xargs|nohup|nice|time|timeout|exec|command|then|do|else)\\s|\\s-l?c\\s+[\"'])\\s*" +
		"(?:-\\S+\\s+(?:[\\w.]+\\s+)?|\\w+=\\S*\\s+|\\d+\\w?\\s+)*(?:\\S*/)?"
	commandEnd = "\\s*(?:$|[;&|)\\n`\"'])"
	anything   = "[^;&|\\n]*"
)

// pattern turns a command with wildcards into a regular expression for a line of
// shell. A pattern that allows matches a single simple command, one that denies or
// asks any command within the line. " *" at the end stands for a word's end too.
func pattern(command string, allows bool) string {
	blanks, wild := "\\s+", anything
	if allows {
		blanks, wild = "[ \\t]+", harmless // a line's end would begin another command
	}
	body, open := strings.CutSuffix(command, " *")
	parts := strings.Split(body, "*")
	for i, p := range parts {
		words := strings.Fields(p)
		for k, w := range words {
			words[k] = regexp.QuoteMeta(w)
		}
		parts[i] = strings.Join(words, blanks)
		if i > 0 && strings.TrimLeft(p, " \t") != p {
			parts[i] = blanks + parts[i]
		}
		if i < len(parts)-1 && len(words) > 0 && strings.TrimRight(p, " \t") != p {
			parts[i] += blanks
		}
	}
	return within(strings.Join(parts, wild), open, allows)
}

// within completes the expression of a command. An open one may have more words.
func within(body string, open, allows bool) string {
	switch {
	case allows && open:
		return "^" + body + "(?:[ \\t]" + harmless + ")?$"
	case allows:
		return "^" + body + "$"
	case open:
		return commandBegin + body + "(?:\\s|" + commandEnd + ")"
	}
	return commandBegin + body + commandEnd
}

// sample is a command that a pattern has to match.
func sample(command string) string { return strings.ReplaceAll(command, "*", "x") }
