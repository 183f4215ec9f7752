package cassette

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// version is that of the files.
const version = 1

// file is an episode as it is written.
type file struct {
	Cassette int          `yaml:"cassette"`
	Request  fileRequest  `yaml:"request"`
	Answer   *fileAnswer  `yaml:"answer,omitempty"` // for the reader alone
	Response fileResponse `yaml:"response"`
}

type fileRequest struct {
	Provider string    `yaml:"provider"`
	API      llm.API   `yaml:"api"`
	Method   string    `yaml:"method"`
	Path     string    `yaml:"path"`
	Body     yaml.Node `yaml:"body,omitempty"`
}

type fileAnswer struct {
	Text          yaml.Node `yaml:"text,omitempty"`
	ToolCalls     []string  `yaml:"tool_calls,omitempty"`
	FinishReasons []string  `yaml:"finish_reasons,flow,omitempty"`
	Error         string    `yaml:"error,omitempty"`
}

type fileResponse struct {
	Status int                 `yaml:"status"`
	Header map[string][]string `yaml:"header,flow,omitempty"`
	// HeaderMS and EventMS are milliseconds since the request was sent; there is
	// one of EventMS for each event of a stream.
	HeaderMS int64   `yaml:"header_ms"`
	EventMS  []int64 `yaml:"event_ms,flow,omitempty"`
	// LineEnds is crlf where each line of the body ends so; Base64 is the body
	// where it is no text.
	LineEnds string    `yaml:"line_ends,omitempty"`
	Body     yaml.Node `yaml:"body,omitempty"`
	Base64   []byte    `yaml:"base64,omitempty"`
}

const preamble = `# Recorded by archestra serve --record. What is compared is the request; what is
# answered is the response. The answer only says for a reader what is in it.
`

// block is a text that stands on lines of its own.
func block(text string) yaml.Node {
	return yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Style: yaml.LiteralStyle}
}

// encode writes an episode. f is the format of the response, or nil.
func encode(e *Episode, f wire.Format) ([]byte, error) {
	out := file{Cassette: version, Request: fileRequest{
		Provider: e.Request.Provider, API: e.Request.API, Method: e.Request.Method, Path: e.Request.Path,
	}}
	if body := e.Request.Body; body != "" {
		var pretty bytes.Buffer
		if e.Request.JSON && json.Indent(&pretty, []byte(body), "", "  ") == nil {
			body = pretty.String() + "\n"
		}
		out.Request.Body = block(body)
	}
	contentType := e.Response.Header.Get("Content-Type")
	r := &out.Response
	r.Status, r.Header = e.Response.Status, e.Response.Header
	r.HeaderMS = e.Response.Timing.Header.Milliseconds()
	for _, m := range events(f, contentType, e.Response.Body, e.Response.Timing) {
		r.EventMS = append(r.EventMS, m.At.Milliseconds())
	}
	if text := string(e.Response.Body); utf8.ValidString(text) && !strings.ContainsRune(text, 0) {
		if lf := strings.ReplaceAll(text, "\r\n", "\n"); strings.Contains(text, "\r\n") && strings.ReplaceAll(lf, "\n", "\r\n") == text {
			r.LineEnds, text = "crlf", lf
		}
		if text != "" {
			r.Body = block(text)
		}
	} else {
		r.Base64 = e.Response.Body
	}
	if f != nil && r.Base64 == nil && e.Request.API != llm.APIOther {
		out.Answer = summary(f, e.Response.Status, contentType, e.Response.Body)
	}
	b, err := marshal(&out)
	if err != nil {
		return nil, err
	}
	if back, err := decodeFile(b); err != nil || !bytes.Equal(back.body(), e.Response.Body) {
		// A text that YAML does not give back as it was.
		r.LineEnds, r.Body, r.Base64 = "", yaml.Node{}, e.Response.Body
		return marshal(&out)
	}
	return b, nil
}

func marshal(f *file) ([]byte, error) {
	b := bytes.NewBufferString(preamble)
	enc := yaml.NewEncoder(b)
	enc.SetIndent(2)
	if err := enc.Encode(f); err != nil {
		return nil, err
	}
	err := enc.Close()
	return b.Bytes(), err
}

// summary says what a response holds.
func summary(f wire.Format, status int, contentType string, body []byte) *fileAnswer {
	a := answer(f, status, contentType, body)
	s := &fileAnswer{}
	if text := together(a.Text()); text != "" {
		s.Text = block(text)
	}
	for _, c := range a.ToolCalls {
		args := string(c.Arguments)
		if args == "" {
			args = c.ArgumentsText
		}
		s.ToolCalls = append(s.ToolCalls, together(strings.ToValidUTF8(c.Name+" "+args, "\ufffd")))
	}
	s.FinishReasons = slices.DeleteFunc(slices.Clone(a.FinishReasons), func(r string) bool { return r == "" })
	if a.Error != nil {
		s.Error = strings.ToValidUTF8(a.Error.Message, "\ufffd")
	}
	if s.Text.Value == "" && len(s.ToolCalls) == 0 && len(s.FinishReasons) == 0 && s.Error == "" {
		return nil
	}
	return s
}

func answer(f wire.Format, status int, contentType string, body []byte) llm.Answer {
	a, _ := read(f, status, contentType, body)
	return a
}

// maxText bounds the text of a summary.
const maxText = 1 << 20

// read decodes a response, and tells whether it is whole as its protocol says.
func read(f wire.Format, status int, contentType string, body []byte) (a llm.Answer, whole bool) {
	framer := f.NewFramer(contentType, maxFrame)
	if framer == nil || status >= http.StatusBadRequest {
		return f.Answer(status, body), true
	}
	stream := f.NewStream(maxText)
	framer.Write(body)
	framer.Close()
	for frame, ok := framer.Next(); ok; frame, ok = framer.Next() {
		whole = stream.Frame(frame).Terminal || whole
	}
	return stream.End(), whole
}

func (f *file) body() []byte {
	if f.Response.Base64 != nil {
		return f.Response.Base64
	}
	text := f.Response.Body.Value
	if f.Response.LineEnds == "crlf" {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	return []byte(text)
}

func decodeFile(b []byte) (*file, error) {
	var f file
	dec := yaml.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(&f); err != nil {
		return nil, err
	}
	for name, n := range map[string]yaml.Node{"request.body": f.Request.Body, "response.body": f.Response.Body} {
		if n.Kind != 0 && n.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("%s is to be a text; JSON stands behind a |", name)
		}
	}
	switch {
	case f.Cassette > version:
		return nil, fmt.Errorf("it was written by a newer version of archestra: it is a cassette of version %d, and this one reads %d", f.Cassette, version)
	case f.Cassette < 1 || f.Request.Provider == "" || f.Request.Method == "" || f.Response.Status < 100:
		return nil, fmt.Errorf("it is no cassette: %s are needed", "cassette, request.provider, request.method and response.status")
	}
	return &f, nil
}

// decode reads an episode. The request is normalised again, so that what a
// person changed in it counts.
func (r *Rules) decode(b []byte) (*Episode, error) {
	f, err := decodeFile(b)
	if err != nil {
		return nil, err
	}
	path, query := splitPath(f.Request.Path)
	e := &Episode{Request: r.Normalise(Sent{
		Provider: f.Request.Provider, API: f.Request.API, Method: f.Request.Method, Path: path, Query: query,
		Body: []byte(f.Request.Body.Value),
	})}
	e.Response = Response{Status: f.Response.Status, Header: http.Header{}, Body: f.body()}
	for name, values := range f.Response.Header {
		e.Response.Header[http.CanonicalHeaderKey(name)] = values
	}
	e.Response.Timing.Header = time.Duration(f.Response.HeaderMS) * time.Millisecond
	for _, ms := range f.Response.EventMS {
		e.Response.Timing.Events = append(e.Response.Timing.Events, time.Duration(ms)*time.Millisecond)
	}
	return e, nil
}
