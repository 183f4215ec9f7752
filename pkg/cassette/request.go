package cassette

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/record"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// Request is a request in its normal form.
type Request struct {
	Provider string
	API      llm.API
	Method   string
	Path     string // the provider's own, with the query in order and without credentials
	Body     string // see [Rules]
	JSON     bool   // the body is JSON

	hidden []hidden // what stands behind the body's numbers
}

// Sent is a request as it went out.
type Sent struct {
	Provider      string
	API           llm.API
	Method        string
	Path, Query   string // the provider's own path, escaped; the raw query
	Body          []byte // without its content encoding
	ContentType   string
	ContentLength int64
}

// Normalise brings a request into its normal form.
func (r *Rules) Normalise(s Sent) Request {
	form := r.normalise(s.Body, s.ContentType)
	path := s.Path
	if q := normalQuery(s.Query); q != "" {
		path += "?" + q
	}
	return Request{Provider: s.Provider, API: s.API, Method: s.Method, Path: path, Body: form.Text, JSON: form.JSON, hidden: form.Hidden}
}

// normalQuery is a query in the order of its names, without credentials.
func normalQuery(raw string) string {
	if raw == "" {
		return ""
	}
	pairs := strings.FieldsFunc(record.RedactQuery(raw), func(c rune) bool { return c == '&' || c == ';' })
	pairs = slices.DeleteFunc(pairs, func(p string) bool {
		_, value, _ := strings.Cut(p, "=")
		return value == record.Redacted || p == record.Redacted
	})
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// Key is equal for equal requests.
func (q Request) Key() string {
	h := sha256.New()
	for _, part := range []string{q.Provider, string(q.API), q.Method, q.Path, q.Body} {
		_, _ = io.WriteString(h, part) // a hash takes everything
		_, _ = h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:keySize])
}

const keySize = 16

// place is what requests must have in common to be alike at all.
func (q Request) place() string {
	path, _, _ := strings.Cut(q.Path, "?")
	return q.Provider + " " + q.Method + " " + path
}

// turn counts the messages that a request holds.
func (q Request) turn(f wire.Format) int {
	if f == nil || !q.JSON || q.API == llm.APIOther {
		return 0
	}
	c, err := f.Conversation([]byte(q.Body))
	if err != nil {
		return 0
	}
	return len(c.Messages)
}

// Response is what a provider answered, with numbers in the place of secrets.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	Timing Timing
}

// NewResponse is the response to a request, as it went over the wire. f is the
// format of its API.
func NewResponse(q Request, f wire.Format, status int, h http.Header, body []byte, t Timing) Response {
	r := Response{Status: status, Header: keepHeader(h), Body: body, Timing: t}
	if contentType := h.Get("Content-Type"); len(q.hidden) > 0 && record.Identity(h.Get("Content-Encoding")) {
		r.Timing = Timing{Header: t.Header}
		for _, m := range events(f, contentType, body, t) {
			r.Timing.Events = append(r.Timing.Events, m.At)
		}
		r.Body = withNumbers(f, contentType, body, q)
	}
	return r
}

// keptHeaders are those of a response that a client may act on. Others name
// accounts, servers and moments.
var keptHeaders = []string{
	"Content-Type", "Content-Encoding", "Content-Disposition", "Location", "Retry-After", "Retry-After-Ms", "X-Should-Retry",
	"Request-Id", "X-Request-Id", "Openai-Version", "Openai-Model", "Openai-Processing-Ms",
}

func keepHeader(h http.Header) http.Header {
	out := http.Header{}
	for _, name := range keptHeaders {
		if v := h.Values(name); len(v) > 0 {
			out[name] = slices.Clone(v)
		}
	}
	return record.RedactHeader(out)
}

// Episode is one recorded exchange.
type Episode struct {
	Name     string // of its file, or the interaction's id
	Request  Request
	Response Response
}

// splitPath parts a path from its query.
func splitPath(path string) (string, string) {
	u, err := url.ParseRequestURI(path)
	if err != nil {
		return path, ""
	}
	return u.EscapedPath(), u.RawQuery
}
