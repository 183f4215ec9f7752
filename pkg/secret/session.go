package secret

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"
)

// A placeholder is marker + kind + "_" + tagSize hexadecimal digits: word
// characters only, so that JSON, Markdown, URLs and tokenisers leave it whole.
const (
	marker  = "REDACTED_"
	tagSize = 16
)

// labels are the kinds as placeholders spell them. None begins another.
var labels = map[Kind]string{
	KindSecret: "SECRET", KindKnown: "SECRET", KindEmail: "EMAIL", KindCard: "CARD", KindIBAN: "IBAN", KindSSN: "SSN",
	KindITIN: "ITIN", KindNINO: "NINO", KindPhone: "PHONE", KindIP: "IP", KindMAC: "MAC", KindCrypto: "CRYPTO", KindURL: "URL",
}

var allLabels = []string{"SECRET", "EMAIL", "CARD", "IBAN", "SSN", "ITIN", "NINO", "PHONE", "IP", "MAC", "CRYPTO", "URL"}

// MaxPlaceholder is the length of the longest placeholder.
const MaxPlaceholder = len(marker) + len("SECRET") + 1 + tagSize

// Limits of a session's memory. What is pushed out stays redacted: its
// placeholder is the same when it comes again, and is left as it is in answers.
const (
	maxEntries = 8192
	maxBytes   = 8 << 20
)

// Session holds the placeholders of one conversation. A value has the same
// placeholder as long as the session lives, and another one in another session,
// so that a placeholder tells nobody anything. The values and the key are in
// memory only. It is safe for concurrent use.
type Session struct {
	key [sha256.Size]byte

	mu      sync.Mutex
	entries map[string]entry
	order   []string // placeholders, the oldest first
	bytes   int
}

type entry struct {
	value  string
	secret bool
}

// NewSession returns a session with a fresh key.
func NewSession() *Session {
	s := &Session{entries: map[string]entry{}}
	_, _ = rand.Read(s.key[:]) // never fails (crypto/rand since Go 1.24)
	return s
}

// Placeholder returns the placeholder of a value, and remembers it.
func (s *Session) Placeholder(kind Kind, value string) string {
	mac := hmac.New(sha256.New, s.key[:])
	mac.Write([]byte(value))
	label := labels[kind]
	if label == "" {
		label = labels[KindSecret]
	}
	p := marker + label + "_" + hex.EncodeToString(mac.Sum(nil))[:tagSize]
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.entries[p]; ok {
		return p
	}
	s.entries[p] = entry{strings.Clone(value), kind.Secret()}
	s.order = append(s.order, p)
	s.bytes += len(value)
	for len(s.order) > maxEntries || s.bytes > maxBytes && len(s.order) > 1 {
		s.bytes -= len(s.entries[s.order[0]].value)
		delete(s.entries, s.order[0])
		s.order = s.order[1:]
	}
	return p
}

func (s *Session) lookup(placeholder string) (entry, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[placeholder]
	return e, ok
}

// Redact returns a text with placeholders in the stead of what was found in it.
func (s *Session) Redact(text string, found []Finding) string {
	if len(found) == 0 {
		return text
	}
	var b strings.Builder
	at := 0
	for _, f := range found {
		b.WriteString(text[at:f.Start])
		b.WriteString(s.Placeholder(f.Kind, text[f.Start:f.End]))
		at = f.End
	}
	b.WriteString(text[at:])
	return b.String()
}

// holds tells whether a text has a value of the session in it, or a placeholder.
func (s *Session) holds(text string) bool {
	if strings.Contains(text, marker) {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if len(e.value) >= 6 && strings.Contains(text, e.value) {
			return true
		}
	}
	return false
}

// placeholderAt looks whether a text begins with a placeholder. It returns its
// length, or 0; partial tells that the text is the beginning of one.
func placeholderAt(text string) (n int, partial bool) {
	if !strings.HasPrefix(text, marker) {
		return 0, strings.HasPrefix(marker, text)
	}
	rest := text[len(marker):]
	for _, l := range allLabels {
		if len(rest) <= len(l) {
			if strings.HasPrefix(l, rest) {
				return 0, true
			}
			continue
		}
		if rest[:len(l)] != l || rest[len(l)] != '_' {
			continue
		}
		tag := rest[len(l)+1:]
		for i := range min(len(tag), tagSize) {
			if c := tag[i]; !isDigit(c) && (c < 'a' || c > 'f') {
				return 0, false
			}
		}
		if len(tag) < tagSize {
			return 0, true
		}
		return len(marker) + len(l) + 1 + tagSize, false
	}
	return 0, false
}

// isPlaceholder tells whether a text is one placeholder and nothing else.
func isPlaceholder(text string) bool {
	n, _ := placeholderAt(text)
	return n > 0 && n == len(text)
}
