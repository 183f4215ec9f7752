package secret

import "strings"

// ssn finds a social security number of the United States: 3-2-4 digits apart by
// hyphens or spaces, in the ranges that are given out (SSA, since 2011).
func ssn(text string, i int) (start, end int, ok bool) {
	n, end, ok := threeTwoFour(text, i)
	if !ok || n[0] == '9' || n[:3] == "000" || n[:3] == "666" || n[3:5] == "00" || n[5:] == "0000" {
		return 0, 0, false
	}
	return i, end, true
}

// threeTwoFour reads nine digits in groups of 3, 2 and 4.
func threeTwoFour(text string, i int) (n string, end int, ok bool) {
	end = i + 11
	if len(text) < end || !alone(text, i, end) {
		return "", 0, false
	}
	sep := text[i+3]
	if sep != '-' && sep != ' ' || text[i+6] != sep {
		return "", 0, false
	}
	n = text[i:i+3] + text[i+4:i+6] + text[i+7:end]
	for k := range len(n) {
		if !isDigit(n[k]) {
			return "", 0, false
		}
	}
	return n, end, true
}

// itin finds a taxpayer number of the United States: as a social security
// number, with a 9 at its head and certain digits in the middle (IRS). One of
// the two hyphens may be left out.
func itin(text string, i int) (start, end int, ok bool) {
	var buf [10]byte
	n, end, sep := digits(buf[:], text, i, 10, "- ")
	if len(n) != 9 || sep == 0 || !alone(text, i, end) {
		return 0, 0, false
	}
	first, second := text[i+3] == sep, text[end-5] == sep
	if !first && !second || end-i != 9+count(first)+count(second) {
		return 0, 0, false
	}
	middle := int(n[3]-'0')*10 + int(n[4]-'0')
	in := middle >= 50 && middle <= 65 || middle >= 70 && middle <= 88 || middle >= 90 && middle <= 92 || middle >= 94
	return i, end, in
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// nino finds a national insurance number of the United Kingdom: two letters, six
// digits, a letter from A to D (HMRC, NIM39110). Pairs may stand apart.
func nino(text string, i int) (start, end int, ok bool) {
	var n [9]byte
	k := 0
	for end = i; end < len(text) && k < len(n); end++ {
		c := text[end]
		if c == ' ' && k >= 2 && k%2 == 0 && text[end-1] != ' ' {
			continue
		}
		if k < 2 || k == 8 {
			if !isLetter(c) {
				return 0, 0, false
			}
			c &^= 0x20
		} else if !isDigit(c) {
			return 0, 0, false
		}
		n[k] = c
		k++
	}
	if k < len(n) || isWord(byteAt(text, end)) || isWord(byteAt(text, i-1)) || n[8] > 'D' ||
		strings.IndexByte("DFIQUV", n[0]) >= 0 || strings.IndexByte("DFIOQUV", n[1]) >= 0 {
		return 0, 0, false
	}
	switch string(n[:2]) {
	case "BG", "GB", "KN", "NK", "NT", "TN", "ZZ":
		return 0, 0, false
	}
	return i, end, true
}

// phoneWords tell that a number near them is a telephone's.
var phoneWords = []string{"phone", "telephone", "mobile", "cell", "tel", "fax", "whatsapp", "number is", "call", "sms", "dial", "hotline", "reach me", "text me"}

// nearPhone tells whether one of them stands shortly before a place.
func nearPhone(text string, i int) bool {
	from := max(0, i-48)
	near := text[from:i]
	for _, w := range phoneWords {
		for k := 0; k+len(w) <= len(near); k++ {
			if equalFold(near[k:k+len(w)], w) && !isAlnum(byteAt(text, from+k-1)) {
				return true
			}
		}
	}
	return false
}

// phone finds a telephone number: with a + and a country, in the two forms of
// North America that are no other number's, or near a word that says so.
func phone(text string, i int) (start, end int, ok bool) {
	n, end, plain := dialled(text, i)
	if isWord(byteAt(text, end)) || isWord(byteAt(text, i-1)) || byteAt(text, i-1) == '.' || byteAt(text, i-1) == '-' {
		return 0, 0, false
	}
	if text[i] == '+' {
		return i, end, len(n) >= 8 && len(n) <= 15 && n[0] != '0'
	}
	if len(n) == 10 && !plain && n[0] >= '2' && n[3] >= '2' && northAmerican(text[i:end]) {
		return i, end, true
	}
	if len(n) < 7 || len(n) > 15 || shaped(text[i:min(end, i+10)], "0000-00-00") {
		return 0, 0, false
	}
	return i, end, nearPhone(text, i)
}

// dialled reads digits as people write telephone numbers. plain tells that
// nothing but digits is there.
func dialled(text string, i int) (n string, end int, plain bool) {
	var buf [16]byte
	d := buf[:0]
	end, plain = i, true
	open := 0
	for k := i; k < len(text) && len(d) < cap(d); k++ {
		c := text[k]
		switch {
		case isDigit(c):
			d = append(d, c)
			end = k + 1
		case c == '+' && k == i:
		case c == '(' && open == 0 && isDigit(byteAt(text, k+1)):
			open, plain = 1, false
		case c == ')' && open == 1 && k == end:
			open = 2
		case (c == ' ' || c == '-' || c == '.' || c == '/') && (k == end || k == end+1 && text[k-1] == ')') &&
			(isDigit(byteAt(text, k+1)) || byteAt(text, k+1) == '('):
			plain = false
		default:
			return string(d), end, plain
		}
	}
	return string(d), end, plain
}

// northAmerican tells whether ten digits stand as 415-555-0132, (415) 555-0132
// or 415.555.0132.
func northAmerican(s string) bool {
	return shaped(s, "000-000-0000") || shaped(s, "(000) 000-0000") || shaped(s, "(000)000-0000") || shaped(s, "000.000.0000")
}

// shaped tells whether a text has digits where the shape has zeros, and else the
// shape's own characters.
func shaped(text, shape string) bool {
	if len(text) != len(shape) {
		return false
	}
	for i := range len(shape) {
		if shape[i] == '0' && !isDigit(text[i]) || shape[i] != '0' && text[i] != shape[i] {
			return false
		}
	}
	return true
}
