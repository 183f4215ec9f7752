package cli

import "github.com/archestra-ai/archestra-cli/pkg/jsonscan"

// withModel returns a request's body with another model: only the literal of its
// own member "model" differs. ok is false where the body has none.
func withModel(body []byte, model string) (out []byte, ok bool) {
	s := jsonscan.New(body)
	start, end := -1, 0
	for name := range s.Object() {
		if string(name) == "model" && s.Kind() == jsonscan.String {
			start = s.Pos() // the last one, where it is there twice
			end = start + len(s.Raw())
		}
	}
	if s.End() != nil || start < 0 {
		return body, false
	}
	out = make([]byte, 0, len(body)+len(model))
	out = append(out, body[:start]...)
	out = jsonscan.AppendString(out, model)
	return append(out, body[end:]...), true
}
