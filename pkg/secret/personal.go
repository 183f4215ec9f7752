package secret

// Personal data is found by form and, where there is one, by its check: Luhn's
// sum, ISO 7064, the rules of who issues the number. Names and postal addresses
// are not looked for: without a model that would be guessing.

// kindSet is a set of kinds of personal data.
type kindSet uint32

// personal are the finders, by kind. Each is asked at a place where its data
// may begin (or, for an address with an @, where that stands) and returns the
// place of what it found.
var personal = []struct {
	kind   Kind
	starts string // the bytes at which it is asked
	find   func(text string, i int) (start, end int, ok bool)
}{
	{KindEmail, "@", email},
	{KindURL, urlStarts, webAddress},
	{KindIBAN, upperCase, iban},
	{KindCard, decimal, card},
	{KindSSN, decimal, ssn},
	{KindITIN, "9", itin},
	{KindNINO, letters, nino},
	{KindMAC, hexadecimal, mac},
	{KindIP, hexadecimal + ":", ip},
	{KindCrypto, "013bB", crypto},
	{KindPhone, decimal + "+(", phone},
}

const (
	decimal     = "0123456789"
	upperCase   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	letters     = upperCase + "abcdefghijklmnopqrstuvwxyz"
	hexadecimal = decimal + "abcdefABCDEF"
)

func (s *kindSet) add(k Kind) bool {
	for i := range personal {
		if personal[i].kind == k {
			*s |= 1 << i
			return true
		}
	}
	return false
}

// asked holds for each byte the finders that want to see it.
var asked = func() (t [256]kindSet) {
	for i := range personal {
		for _, c := range []byte(personal[i].starts) {
			t[c] |= 1 << i
		}
	}
	return t
}()

func (s kindSet) scan(dst []Finding, text string) []Finding {
	if s == 0 {
		return dst
	}
	for i := 0; i < len(text); i++ {
		wanted := s & asked[text[i]]
		if wanted == 0 {
			continue
		}
		// Data begins where a word does. What comes in the middle of one is
		// looked at by those that are asked at a sign.
		if i > 0 && isAlnum(text[i]) && isAlnum(text[i-1]) {
			continue
		}
		for k := range personal {
			if wanted&(1<<k) == 0 {
				continue
			}
			if start, end, ok := personal[k].find(text, i); ok {
				dst = append(dst, Finding{Kind: personal[k].kind, Start: start, End: end})
				i = max(i, end-1)
				break
			}
		}
	}
	return dst
}

func isAlnum(c byte) bool { return isDigit(c) || isLetter(c) }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { c |= 0x20; return c >= 'a' && c <= 'z' }

func isHex(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

// byteAt returns the byte at a place, or 0 outside of the text.
func byteAt(text string, i int) byte {
	if i < 0 || i >= len(text) {
		return 0
	}
	return text[i]
}

// email finds an address around an @ (RFC 5321, without quoted parts).
func email(text string, at int) (start, end int, ok bool) {
	start = at
	for start > 0 && at-start < 64 && isLocal(text[start-1]) {
		start--
	}
	for start < at && isOneOf(text[start], ".-'%+") {
		start++
	}
	end = at + 1
	dot := -1
	for end < len(text) && end-at < 254 && (isAlnum(text[end]) || text[end] == '-' || text[end] == '.') {
		if text[end] == '.' {
			dot = end
		}
		end++
	}
	for end > at && (text[end-1] == '.' || text[end-1] == '-') {
		if end--; end == dot {
			dot = lastDot(text, at, end)
		}
	}
	if start == at || text[at-1] == '.' || dot < at+2 || end-dot < 3 || !isLetter(text[dot+1]) {
		return 0, 0, false
	}
	return start, end, true
}

func lastDot(text string, from, to int) int {
	for to--; to > from; to-- {
		if text[to] == '.' {
			return to
		}
	}
	return -1
}

func isLocal(c byte) bool {
	return isAlnum(c) || c == '.' || c == '_' || c == '-' || c == '+' || c == '%' || c == '\''
}

// digits reads a number that may be cut into groups by single separators, of
// which all are the same. It returns the digits and the end of the number.
func digits(buf []byte, text string, i, most int, separators string) (number []byte, end int, sep byte) {
	number = buf[:0]
	end = i
	for i < len(text) {
		c := text[i]
		switch {
		case isDigit(c):
			if len(number) == most {
				return number, end, sep
			}
			number = append(number, c)
			end = i + 1
		case i == end && end > 0 && isDigit(byteAt(text, i+1)) && isOneOf(c, separators) && (sep == 0 || sep == c):
			sep = c
		default:
			return number, end, sep
		}
		i++
	}
	return number, end, sep
}

func isOneOf(c byte, set string) bool {
	for i := range len(set) {
		if set[i] == c {
			return true
		}
	}
	return false
}

// alone tells whether a number is not a part of a longer one, of a word or of a
// fraction.
func alone(text string, start, end int) bool {
	before, after := byteAt(text, start-1), byteAt(text, end)
	return !isWord(before) && !isWord(after) &&
		!((before == '.' || before == '-') && isWord(byteAt(text, start-2))) &&
		!((after == '.' || after == '-') && isWord(byteAt(text, end+1)))
}
