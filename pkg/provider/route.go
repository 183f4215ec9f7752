package provider

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// Target is what a request path means.
type Target struct {
	Provider *Provider
	Profile  string
	API      llm.API     // llm.APIOther where no route observes the path
	Format   wire.Format // never nil; of unobserved paths it shapes errors only
	Model    string      // where the path names it
	Stream   bool        // the path itself asks for a stream
	// Kept is the id of the answer that the path names, where the provider keeps
	// one: what comes is that answer, and not one to this request.
	Kept string
	// Rest is the provider's own path, escaped, with a slash before it. Its bytes
	// are the client's, but for repeated versions and slashes.
	Rest string
}

// Observed tells that the target's API is known in full.
func (t Target) Observed() bool { return t.API != llm.APIOther }

// Resolve says what a request path means: /v1/{provider}/{profile}/... It looks
// at nothing but its arguments. The path is escaped, as url.URL.EscapedPath
// gives it. The error is an *Error, which never repeats a part of the path that
// is not a plain word.
func Resolve(method, escapedPath string) (Target, error) {
	if err := checkPath(escapedPath); err != nil {
		err.Format = Nearest(escapedPath)
		return Target{}, err
	}
	word, rest := nextWord(escapedPath)
	if word != "v1" {
		return Target{}, notFound(escapedPath, word)
	}
	for word == "v1" {
		word, rest = nextWord(rest)
	}
	p, ok := Lookup(word)
	if !ok {
		return Target{}, unknownProvider(escapedPath, word)
	}
	t := Target{Provider: p, Profile: DefaultProfile}
	id, after := nextWord(rest)
	head, _, _ := strings.Cut(id, ":")
	switch {
	case id == "" || apiWords[head]:
	case ValidProfile(id):
		t.Profile, rest = id, after
	default:
		return Target{}, badProfile(p, escapedPath, id)
	}
	t.Rest = p.Paths.normalise(rest)
	t.match(method)
	return t, nil
}

// match finds the route of the path, and settles what follows from it.
func (t *Target) match(method string) {
	t.API, t.Format = llm.APIOther, t.Provider.Default
	// What an upstream may decode before it routes is decoded here too: a path
	// that is read as opaque is not judged.
	plain, err := url.PathUnescape(t.Rest)
	if err != nil {
		return
	}
	plain = collapse(plain)
	for _, r := range t.Provider.Routes {
		if r.Method != method {
			continue
		}
		id, ok := r.matches(plain, t.Provider.Paths.Versions)
		if !ok {
			continue
		}
		t.Kept = id
		t.API, t.Format, t.Stream = r.API(), r.Format, r.Streams
		t.Rest = collapse(t.Rest)
		if r.ModelInPath {
			t.Model = modelOf(plain)
		}
		return
	}
}

// matches compares without regard to case: a server that routes so would
// otherwise be called unseen. It returns the id that the path names, if any.
func (r Route) matches(plain string, versions []string) (id string, ok bool) {
	before := plain
	suffix, tail, named := strings.Cut(r.Suffix, "{id}")
	if named {
		if before, ok = cutSuffixFold(before, tail); !ok {
			return "", false
		}
		slash := strings.LastIndexByte(before, '/')
		before, id = before[:slash+1], before[slash+1:]
		if id == "" {
			return "", false
		}
	}
	if before, ok = cutSuffixFold(before, suffix); !ok {
		return "", false
	}
	if r.Within != "" && !strings.Contains(strings.ToLower(before), r.Within) {
		return "", false
	}
	if r.Whole && before != "" {
		word, rest := nextWord(before)
		return id, rest == "" && contains(versions, word)
	}
	return id, true
}

func cutSuffixFold(s, suffix string) (before string, ok bool) {
	at := len(s) - len(suffix)
	if at < 0 || !strings.EqualFold(s[at:], suffix) {
		return s, false
	}
	return s[:at], true
}

// modelOf reads the model from .../models/{model}:{method}.
func modelOf(plain string) string {
	plain = plain[:strings.LastIndexByte(plain, ':')]
	if i := strings.LastIndex(plain, "/models/"); i >= 0 {
		return plain[i+len("/models/"):]
	}
	return plain[strings.LastIndexByte(plain, '/')+1:]
}

// normalise writes a path as the provider has it: slashes and versions at its
// beginning once, the version where it belongs.
func (p Paths) normalise(path string) string {
	version := ""
	word, rest := nextWord(path)
	for contains(p.Versions, word) {
		version, path = word, rest // the last one is the SDK's own
		word, rest = nextWord(path)
	}
	path = strings.TrimLeft(path, "/")
	head, _, _ := strings.Cut(word, ":")
	switch {
	case !p.Kept || contains(p.Bare, head) || contains(p.Root, head):
		return "/" + path
	case version == "" && contains(p.Words, head):
		version = p.Version
	}
	if version == "" {
		return "/" + path
	}
	return strings.TrimSuffix("/"+version+"/"+path, "/")
}

// nextWord splits the first segment from a path, without regard to how many
// slashes stand before it. rest begins with a slash or is empty.
func nextWord(path string) (word, rest string) {
	path = strings.TrimLeft(path, "/")
	if i := strings.IndexByte(path, '/'); i >= 0 {
		return path[:i], path[i:]
	}
	return path, ""
}

// collapse writes slashes once, and none at the end.
func collapse(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	if len(path) > 1 {
		path = strings.TrimSuffix(path, "/")
	}
	return path
}

func contains(words []string, w string) bool {
	for _, x := range words {
		if x == w {
			return true
		}
	}
	return false
}

// Nearest returns the format whose error shape suits a path best, whatever the
// path is: that of the provider which it names, or of the API that it ends in.
func Nearest(escapedPath string) wire.Format {
	word, rest := nextWord(escapedPath)
	for word == "v1" {
		word, rest = nextWord(rest)
	}
	trimmed := strings.TrimRight(escapedPath, "/")
	if p, ok := Lookup(strings.ToLower(word)); ok {
		for _, r := range p.Routes {
			if !r.Whole && strings.HasSuffix(trimmed, r.Suffix) {
				return r.Format
			}
		}
		return p.Default
	}
	for _, p := range All() {
		for _, r := range p.Routes {
			if r.Within == "" && strings.HasSuffix(trimmed, r.Suffix) {
				return r.Format
			}
		}
	}
	return chatFormat
}

func notFound(path, word string) *Error {
	e := &Error{
		Status: http.StatusNotFound, Code: "unknown_path", Format: Nearest(path), BasePath: "/v1/{provider}/{profile}",
		Message: "This path does not begin with /v1/{provider}. Known providers: " + names() + ".",
	}
	if _, ok := Lookup(word); ok {
		e.Message = fmt.Sprintf("The path begins with the provider %q; it must begin with /v1/%s.", word, word)
		e.BasePath = "/v1/" + word + "/" + DefaultProfile
	}
	return e
}

func unknownProvider(path, word string) *Error {
	e := &Error{Status: http.StatusNotFound, Code: "unknown_provider", Format: Nearest(path), BasePath: "/v1/{provider}/{profile}"}
	switch lower := strings.ToLower(word); {
	case word == "":
		e.Message = "The path names no provider. Known providers: " + names() + "."
	case !validSlug(word):
		e.Message = "The provider in the path is not a name. Known providers: " + names() + "."
	case providers[lower] != nil:
		e.Message = fmt.Sprintf("Unknown provider %q; provider names are lower case: %q.", word, lower)
		e.BasePath = "/v1/" + lower + "/" + DefaultProfile
	default:
		e.Message = fmt.Sprintf("Unknown provider %q. Known providers: %s.", word, names())
	}
	return e
}

func badProfile(p *Provider, path, id string) *Error {
	e := &Error{Status: http.StatusNotFound, Code: "invalid_profile", Format: Nearest(path), BasePath: "/v1/" + p.Name + "/" + DefaultProfile}
	if validSlug(id) {
		e.Message = fmt.Sprintf("%q is a word of the providers' own paths and cannot be a profile of %s.", id, p.Name)
	} else {
		e.Message = "The profile in the path of " + p.Name + " is not an id: it may have up to 64 letters, digits, dots, dashes and underscores, and begins with a letter or a digit."
	}
	return e
}

func names() string {
	var out []string
	for _, p := range All() {
		out = append(out, p.Name)
	}
	return strings.Join(out, ", ")
}
