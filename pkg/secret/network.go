package secret

import (
	"net/netip"
	"strings"
)

// ip finds an address of version 4 or 6, with a zone and a prefix length where
// they follow. A bare "::" is left alone: in code it is something else.
func ip(text string, i int) (start, end int, ok bool) {
	before := byteAt(text, i-1)
	if before == '_' {
		return 0, 0, false
	}
	end = i
	colons, dots := 0, 0
	for end < len(text) && end-i < 48 && (isHex(text[end]) || text[end] == ':' || text[end] == '.') {
		switch text[end] {
		case ':':
			colons++
		case '.':
			dots++
		}
		end++
	}
	if colons >= 2 && !isAlnum(before) && before != ':' && before != '.' {
		if e, ok := version6(text, i, end); ok {
			return i, e, true
		}
	}
	if dots < 3 || !isDigit(text[i]) || before == '.' {
		return 0, 0, false
	}
	for end = i; end < len(text) && (isDigit(text[end]) || text[end] == '.'); {
		end++
	}
	for end > i && text[end-1] == '.' {
		end--
	}
	addr, err := netip.ParseAddr(text[i:end])
	if err != nil || !addr.Is4() || isWord(byteAt(text, end)) {
		return 0, 0, false
	}
	return i, prefixed(text, end, 32), true
}

func version6(text string, i, end int) (int, bool) {
	for end > i && (text[end-1] == '.' || text[end-1] == ':' && !strings.HasSuffix(text[i:end], "::")) {
		end--
	}
	addr, err := netip.ParseAddr(text[i:end])
	if err != nil || isWord(byteAt(text, end)) {
		return 0, false
	}
	if byteAt(text, end) == '%' {
		e := end + 1
		for e < len(text) && e-end < 17 && isWord(text[e]) {
			e++
		}
		if e > end+1 {
			end = e
		}
	}
	e := prefixed(text, end, 128)
	return e, e > end || !addr.IsUnspecified() || end-i > 2
}

// prefixed returns the end of an address with its prefix length, if one follows.
func prefixed(text string, end, most int) int {
	if byteAt(text, end) != '/' {
		return end
	}
	n, k := 0, end+1
	for k < len(text) && k < end+5 && isDigit(text[k]) {
		n = n*10 + int(text[k]-'0')
		k++
	}
	if k == end+1 || n > most || isWord(byteAt(text, k)) {
		return end
	}
	return k
}

// mac finds a hardware address: six pairs apart by colons or hyphens, or three
// groups of four apart by points. Those of nobody (all zeros) and of everybody
// (all ones) are none.
func mac(text string, i int) (start, end int, ok bool) {
	size, group := 17, 2
	if byteAt(text, i+4) == '.' {
		size, group = 14, 4
	}
	end = i + size
	if end > len(text) {
		return 0, 0, false
	}
	sep := text[i+group]
	if sep != ':' && sep != '-' && sep != '.' || sep == '.' && group == 2 {
		return 0, 0, false
	}
	zeros, ones := true, true
	for k := range size {
		c := text[i+k]
		if k%(group+1) == group {
			if c != sep {
				return 0, 0, false
			}
			continue
		}
		if !isHex(c) {
			return 0, 0, false
		}
		zeros, ones = zeros && c == '0', ones && lower(c) == 'f'
	}
	before, after := byteAt(text, i-1), byteAt(text, end)
	if zeros || ones || isWord(before) || isWord(after) || before == sep || after == sep && isHex(byteAt(text, end+1)) {
		return 0, 0, false
	}
	return i, end, true
}

// topDomains are the endings by which a name without a scheme is taken for a
// host. They are few on purpose: main.go and setup.py are files.
var topDomains = map[string]bool{
	"com": true, "org": true, "net": true, "edu": true, "gov": true, "io": true, "dev": true, "app": true, "ai": true,
	"co": true, "uk": true, "de": true, "fr": true, "eu": true, "info": true, "biz": true, "il": true, "jp": true, "cn": true,
	"in": true, "ru": true, "br": true, "au": true, "ca": true, "nl": true, "se": true, "no": true, "ch": true, "es": true, "it": true,
}

const urlStarts = letters + decimal

// webAddress finds a URL, or the name of a host that ends as hosts do.
func webAddress(text string, i int) (start, end int, ok bool) {
	before := byteAt(text, i-1)
	if before == '.' || before == '-' || before == '_' || before == '@' || before == '/' {
		return 0, 0, false
	}
	host := i
	scheme := schemeAt(text, i)
	host += scheme
	end = host
	for end < len(text) && end-host < 253 && (isAlnum(text[end]) || text[end] == '-' || text[end] == '.') {
		end++
	}
	for end > host && (text[end-1] == '.' || text[end-1] == '-') {
		end--
	}
	dot := lastDot(text, host, end)
	if dot < 0 || end-dot < 3 || !isLetter(text[dot+1]) || scheme == 0 && !topDomains[lowered(text[dot+1:end])] {
		return 0, 0, false
	}
	if scheme == 0 && (byteAt(text, end) == '@' || isWord(byteAt(text, end))) {
		return 0, 0, false
	}
	if c := byteAt(text, end); scheme > 0 || c == '/' || c == ':' {
		end = urlEnd(text, end)
	}
	return i, end, true
}

// schemeAt returns the length of http:// or https:// at a place, or 0.
func schemeAt(text string, i int) int {
	for _, s := range [...]string{"https://", "http://"} {
		if len(text)-i >= len(s) && equalFold(text[i:i+len(s)], s) {
			return len(s)
		}
	}
	return 0
}

// urlEnd returns where a URL ends whose host ends at a place: before a blank, a
// quote or a bracket, and not with a mark that closes a sentence.
func urlEnd(text string, end int) int {
	from := end
	for end < len(text) && text[end] > ' ' && text[end] != 0x7f && !isOneOf(text[end], "\"'`<>[]{}|\\^") {
		end++
	}
	for end > from && isOneOf(text[end-1], ".,;:!?)") {
		end--
	}
	return end
}
