package secret

import "strings"

// madeUp tells whether a value that the generic rule found was written by a
// hand, or is not whole: it was never a key. The rule knows no form, so its
// findings need more doubt than those of rules that do.
func (set *ruleSet) madeUp(value, before, name string) bool {
	switch {
	case strings.HasSuffix(value, "..."):
		return true // cut by who wrote it down
	case set.cut(value):
		return true
	case counting(value) >= 9:
		return true
	case mixedHex(value):
		return true
	}
	return bareKey(before, name) && !keyMaterial(value)
}

// cut tells that a value begins as a kind of secret does whose form is known,
// and is shorter than any of that kind.
func (set *ruleSet) cut(value string) bool {
	is := false
	heads := set.heads[value[0]]
	for i := range heads {
		h := &heads[i]
		if !h.begins(value) {
			continue
		}
		if h.least <= len(value) {
			return false
		}
		is = true
	}
	return is
}

func (h *head) begins(value string) bool {
	if len(value) < len(h.sets) {
		return false
	}
	for i := range h.sets {
		if !h.sets[i].has(value[i]) {
			return false
		}
	}
	return true
}

// counting returns the length of the longest run of digits or letters in which
// each is the one after the last: 123456789, abcdefghi.
func counting(value string) int {
	best, run := 1, 1
	for i := 1; i < len(value); i++ {
		a, b := value[i-1], value[i]
		if b == a+1 || a == '9' && b == '0' {
			run++
			best = max(best, run)
		} else {
			run = 1
		}
	}
	return best
}

// mixedHex tells that a value is a long hexadecimal number with letters of both
// cases. A program writes one case; in the alphabets that have both, the letters
// behind f would be there too.
func mixedHex(value string) bool {
	if len(value) < 32 {
		return false
	}
	upper, low := false, false
	for i := range len(value) {
		switch c := value[i]; {
		case c >= '0' && c <= '9':
		case c >= 'a' && c <= 'f':
			low = true
		case c >= 'A' && c <= 'F':
			upper = true
		default:
			return false
		}
	}
	return upper && low
}

// bareKey tells that a value's name is the word key alone: what opens a map, a
// cache, a table or a sort, more often than a door.
func bareKey(before, name string) bool {
	const word = "key"
	if len(name) < len(word) || !equalFold(name[:len(word)], word) {
		return false
	}
	if name = name[len(word):]; name != "" && (isWord(name[0]) || name[0] == '-' || name[0] == '.') {
		return false
	}
	if before == "" {
		return true
	}
	c := before[len(before)-1]
	return !isWord(c) && c != '-' && c != '.'
}

// keyMaterial tells that a value has the form of a key for a cipher: as many
// hexadecimal digits, or as much base64, as such keys have bytes.
func keyMaterial(value string) bool {
	size, hex := len(value), true
	for i := range size {
		c := lower(value[i])
		hex = hex && (c >= '0' && c <= '9' || c >= 'a' && c <= 'f')
	}
	if hex {
		size /= 2
	} else if strings.HasSuffix(value, "=") {
		size = size/4*3 - strings.Count(value, "=")
	} else {
		return false
	}
	return size == 16 || size == 24 || size == 32 || size == 64
}
