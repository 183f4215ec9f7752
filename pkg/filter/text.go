package filter

import (
	"iter"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// AppendText appends to dst the words of an interaction that free text finds:
// what the model said, the tool calls with the strings in their arguments, the
// error, and the names of model, provider and agent.
func AppendText(dst []byte, i *llm.Interaction) []byte {
	line := func(s string) {
		if s != "" {
			dst = append(append(dst, s...), '\n')
		}
	}
	line(i.Text)
	line(i.Reasoning)
	line(i.Refusal)
	for k := range i.Choices {
		if t := i.Choices[k].Text; k > 0 || t != i.Text {
			line(t)
		}
	}
	for k := range i.ToolCalls {
		c := &i.ToolCalls[k]
		line(c.Name)
		dst = appendStrings(dst, c.Arguments)
		line(c.ArgumentsText)
		line(c.Reason)
	}
	if e := i.Error; e != nil {
		line(e.Type)
		line(e.Code)
		line(e.Message)
	}
	line(i.Model)
	if i.RequestModel != i.Model {
		line(i.RequestModel)
	}
	line(i.Provider)
	line(i.Client.Agent)
	return dst
}

// appendStrings appends every string of a JSON text, names left out.
func appendStrings(dst, raw []byte) []byte {
	if len(raw) == 0 {
		return dst
	}
	s := jsonscan.New(raw)
	var walk func(depth int)
	walk = func(depth int) {
		switch s.Kind() {
		case jsonscan.String:
			dst = append(s.AppendText(dst), '\n')
		case jsonscan.Object:
			for range s.Object() {
				if depth < 100 {
					walk(depth + 1)
				}
			}
		case jsonscan.Array:
			for range s.Array() {
				if depth < 100 {
					walk(depth + 1)
				}
			}
		case jsonscan.Number:
			dst = append(append(dst, s.Raw()...), '\n')
		default:
			s.Skip()
		}
	}
	walk(0)
	return dst
}

// Tokens cuts text into the words that free text compares: runs of letters,
// digits and marks, in lower case. Chinese and Japanese are written without
// spaces, so each of their characters is a word of its own. A store's index
// must cut as Tokens does for both to find the same.
func Tokens(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := 0; i < len(text); {
			r, n := runeAt(text, i)
			start := i
			i += n
			if !isWord(r) {
				continue
			}
			for alone := isIdeograph(r); i < len(text) && !alone; i += n {
				if r, n = runeAt(text, i); !isWord(r) || isIdeograph(r) {
					break
				}
			}
			if !yield(strings.ToLower(text[start:i])) {
				return
			}
		}
	}
}

func runeAt(s string, i int) (rune, int) {
	if c := s[i]; c < utf8.RuneSelf {
		return rune(c), 1
	}
	return utf8.DecodeRuneInString(s[i:])
}

func isWord(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	}
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r))
}

func isIdeograph(r rune) bool {
	return r >= 0x2e80 && (unicode.Is(unicode.Han, r) || unicode.Is(unicode.Hiragana, r) || unicode.Is(unicode.Katakana, r))
}

// ContainsText reports whether text holds the phrase: its words in a row,
// whatever their case, where the last may be the beginning of a longer one. A
// phrase without any word is in no text.
func ContainsText(text, phrase string) bool {
	want := slices.Collect(Tokens(phrase))
	if len(want) == 0 {
		return false
	}
	// recent holds the last words of text, as many as the phrase has.
	recent := make([]string, 0, len(want))
	for token := range Tokens(text) {
		if len(recent) == len(want) {
			copy(recent, recent[1:])
			recent = recent[:len(want)-1]
		}
		recent = append(recent, token)
		if len(recent) == len(want) && phraseFits(recent, want) {
			return true
		}
	}
	return false
}

func phraseFits(have, want []string) bool {
	last := len(want) - 1
	if !strings.HasPrefix(have[last], want[last]) {
		return false
	}
	for i := range last {
		if have[i] != want[i] {
			return false
		}
	}
	return true
}
