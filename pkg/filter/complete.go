package filter

import "strings"

// Completion is one way to go on typing.
type Completion struct {
	Text string // what stands in place of the unfinished part
	Help string
}

// Complete offers how the unfinished filter s may go on: the words that begin
// as its end does, or the values of a word that has few. Text replaces s from
// start on.
func Complete(s string) (start int, list []Completion) {
	start = strings.LastIndexAny(s, " \t(|\"") + 1
	if start > 0 && s[start-1] == '"' {
		return len(s), nil
	}
	for start < len(s) && s[start] == '-' {
		start++
	}
	typed := s[start:]
	if head := headOf(typed); head != "" {
		w, _ := Lookup(head)
		begun := typed[len(head)+1:]
		for _, v := range w.Values {
			if foldPrefix(v, begun) {
				list = append(list, Completion{Text: w.Name + ":" + v})
			}
		}
		return start, list
	}
	for i := range words {
		if foldPrefix(words[i].Name, typed) {
			list = append(list, Completion{Text: words[i].Name + ":", Help: words[i].Help})
		}
	}
	return start, list
}
