package price

import (
	"cmp"
	"slices"
	"strings"
)

// vendorOf maps what stands before a model's name (openai/gpt-4o,
// publishers/google/models/…) to the provider whose prices hold.
var vendorOf = map[string]string{
	"openai": "openai", "azure": "openai", "azure_openai": "openai",
	"anthropic": "anthropic",
	"google":    "gemini", "gemini": "gemini", "vertex_ai": "gemini", "google-vertex": "gemini",
	"cerebras": "cerebras",
	"x-ai":     "xai", "xai": "xai",
}

// reference is a model's name as a client or a provider writes it, taken apart.
type reference struct {
	vendor string // the provider that the name itself states, or ""
	name   string // lower case, without path, version mark and brackets
}

// parse takes a name apart: models/gemini-2.5-flash, openai/gpt-4o,
// cerebras:gpt-oss-120b, claude-sonnet-4-5@20250929, claude-opus-4-6[1m].
func parse(name string) reference {
	name = strings.ToLower(strings.TrimSpace(name))
	var r reference
	for {
		i := strings.IndexByte(name, '/')
		if i < 0 {
			break
		}
		if v := vendorOf[name[:i]]; v != "" {
			r.vendor = v
		}
		name = name[i+1:]
	}
	if v, rest, _ := strings.Cut(name, ":"); rest != "" && vendorOf[v] != "" {
		r.vendor, name = vendorOf[v], rest
	} else if v == "ft" { // ft:gpt-4o-2024-08-06:organisation:name:id
		base, _, _ := strings.Cut(rest, ":")
		name = "ft:" + base
	}
	name, _, _ = strings.Cut(name, "@")
	if i := strings.IndexByte(name, '['); i > 0 && strings.HasSuffix(name, "]") {
		name = name[:i]
	}
	r.name = name
	return r
}

// find looks a model up among those of a provider. A name that states another
// provider is looked up there. It returns nil for a model that is not known:
// a name is never stretched to a sibling that costs something else.
func (t *table) find(provider string, r reference) *model {
	if r.vendor != "" {
		provider = r.vendor
	}
	v := t.vendors[provider]
	if v == nil {
		return nil
	}
	for name := r.name; name != ""; name = undated(name) {
		if m := v.names[name]; m != nil {
			return m
		}
	}
	for _, p := range v.prefixes {
		if rest, ok := strings.CutPrefix(r.name, p.text); ok && sameModel(p.text, rest) {
			return p.model
		}
	}
	return nil
}

// sort puts the longest prefixes first, so that the first that fits is the one
// that says most.
func (v *vendor) sort() {
	slices.SortFunc(v.prefixes, func(a, b prefix) int {
		return cmp.Or(cmp.Compare(len(b.text), len(a.text)), cmp.Compare(a.text, b.text))
	})
}

// undated takes the last mark of a snapshot off a name (-2024-08-06,
// -20250929, -06-17, -0613, -001, -latest), or returns "" where there is none.
func undated(name string) string {
	if base, ok := strings.CutSuffix(name, "-latest"); ok {
		return base
	}
	for _, shape := range []string{"-0000-00-00", "-00000000", "-00-00", "-0000", "-000"} {
		if n := len(name) - len(shape); n > 0 && shaped(name[n:], shape) {
			return name[:n]
		}
	}
	return ""
}

// shaped tells whether text has digits where shape has zeros, and else shape's
// own characters.
func shaped(text, shape string) bool {
	for i := range len(shape) {
		if digit := text[i] >= '0' && text[i] <= '9'; digit != (shape[i] == '0') || !digit && text[i] != shape[i] {
			return false
		}
	}
	return true
}

// otherModel holds the words that make another model, with another price, of a
// name that they follow.
var otherModel = map[string]bool{
	"mini": true, "nano": true, "lite": true, "micro": true, "small": true, "large": true, "pro": true, "ultra": true,
	"max": true, "plus": true, "flash": true, "turbo": true, "fast": true, "instant": true, "image": true, "audio": true,
	"realtime": true, "live": true, "tts": true, "transcribe": true, "embedding": true, "video": true, "vision": true,
	"codex": true, "search": true, "deep": true, "instruct": true, "omni": true, "multi": true, "maas": true,
}

// sameModel tells whether a name that goes on with rest after a prefix of the
// table is still that model: a snapshot or a preview of it, not its next
// version (claude-opus-5-7 is no claude-opus-5) and no sibling of another size.
func sameModel(prefix, rest string) bool {
	if rest == "" {
		return true
	}
	if rest[0] == '.' || rest[0] != '-' && rest[0] != ':' && rest[0] != '_' {
		return false
	}
	words := strings.FieldsFunc(rest, func(r rune) bool { return r == '-' || r == ':' || r == '_' })
	monthAndDay := len(words) > 1 && len(words[0]) == 2 && len(words[1]) == 2 && shaped(words[0]+words[1], "0000")
	if len(words) > 0 && isVersion(words[0]) && !monthAndDay {
		return false
	}
	return !slices.ContainsFunc(words, func(w string) bool { return otherModel[w] })
}

// isVersion tells whether a word is a number of one or two digits, with or
// without more behind a point or a letter: 5, 5.1, 8b.
func isVersion(word string) bool {
	n := 0
	for n < len(word) && word[n] >= '0' && word[n] <= '9' {
		n++
	}
	return n == 1 || n == 2
}
