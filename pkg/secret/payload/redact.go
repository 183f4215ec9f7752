package payload

import "github.com/archestra-ai/archestra-cli/pkg/secret"

// Redact returns a body in which placeholders of a session stand for the hits
// that a [Scanner] found in it, or some of them in their order. All other bytes
// stay. Placeholders are word characters, which need no escape however deeply
// JSON is nested in JSON; a value has the same one at every depth and in every
// spelling, and none is found again. Without hits the body itself is returned.
func Redact(body []byte, hits []Hit, s *secret.Session) []byte {
	if len(hits) == 0 {
		return body
	}
	out := make([]byte, 0, len(body)+len(hits)*secret.MaxPlaceholder)
	at := 0
	for _, h := range hits {
		if h.Start < at || h.End > len(body) {
			continue
		}
		out = append(out, body[at:h.Start]...)
		out = append(out, s.Placeholder(h.Kind, value(body[h.Start:h.End], h.depth))...)
		at = h.End
	}
	return append(out, body[at:]...)
}

// Values returns the values of hits in a body, each once: what an answer must not
// repeat where it is kept. They are secrets.
func Values(body []byte, hits []Hit) []string {
	var list []string
	seen := map[string]bool{}
	for _, h := range hits {
		if h.Start < 0 || h.End > len(body) || h.Start >= h.End {
			continue
		}
		if v := value(body[h.Start:h.End], h.depth); !seen[v] {
			seen[v] = true
			list = append(list, v)
		}
	}
	return list
}
