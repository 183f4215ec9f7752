package wiretest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// CorpusVariable names the environment variable that gives another directory of
// captured traffic than the default one.
const CorpusVariable = "ARCHESTRA_TEST_CORPUS"

// Exchange is one captured exchange of the corpus and what its response states.
type Exchange struct {
	Name        string // api/case
	Request     []byte // nil if none was captured
	Status      int
	ContentType string
	Body        []byte
	Expect      Expect
}

// Expect is an expect.json: what a provider's response states, in the
// provider's own terms. A member that is absent is not to be compared.
type Expect struct {
	API           string             `json:"api"`
	Kind          string             `json:"kind"`
	Stream        bool               `json:"stream"`
	StatusCode    int                `json:"status_code"`
	Model         *string            `json:"model"`
	ID            *string            `json:"id"`
	FinishReasons []*Words           `json:"finish_reasons"`
	Usage         *ExpectUsage       `json:"usage"`
	Text          *string            `json:"text"`
	Choices       []ExpectChoice     `json:"choices"`
	Refusal       *string            `json:"refusal"`
	ReasoningText *string            `json:"reasoning_text"`
	Summary       *Words             `json:"reasoning_summary"`
	ToolCalls     *[]ExpectToolCall  `json:"tool_calls"`
	Error         *ExpectError       `json:"error"`
	SawDone       *bool              `json:"saw_done"`
	SawStop       *bool              `json:"saw_message_stop"`
	Members       map[string]jsonRaw `json:"-"` // all members, for what a format checks itself
}

type jsonRaw = json.RawMessage

// Words is text that stands as a string, as a number (the enums of some Vertex
// AI captures), or as a list of strings that are joined with nothing between.
type Words string

// UnmarshalJSON implements json.Unmarshaler.
func (w *Words) UnmarshalJSON(b []byte) error {
	switch b[0] {
	case '[':
		var list []string
		err := json.Unmarshal(b, &list)
		*w = Words(strings.Join(list, ""))
		return err
	case '"':
		return json.Unmarshal(b, (*string)(w))
	}
	*w = Words(b)
	return nil
}

// ExpectUsage counts tokens as the provider does, without arithmetic.
type ExpectUsage struct {
	Input        *int64  `json:"input"`
	Output       *int64  `json:"output"`
	Total        *int64  `json:"total"`
	CachedInput  *int64  `json:"cached_input"`
	CacheWrite   *int64  `json:"cache_write"`
	Reasoning    *int64  `json:"reasoning"`
	ToolUseInput *int64  `json:"tool_use_input"`
	Raw          jsonRaw `json:"raw"`
}

// ExpectChoice is one alternative.
type ExpectChoice struct {
	Index        int     `json:"index"`
	Text         *string `json:"text"`
	FinishReason *Words  `json:"finish_reason"`
}

// ExpectToolCall is a call that the client is to execute.
type ExpectToolCall struct {
	Choice       *int    `json:"choice"`
	ID           *string `json:"id"`
	Name         string  `json:"name"`
	Type         string  `json:"type"`
	Arguments    jsonRaw `json:"arguments"`
	ArgumentsRaw *string `json:"arguments_raw"`
	Input        *string `json:"input"`
}

// ExpectError is an error as stated; Code may be a number.
type ExpectError struct {
	Type    *string `json:"type"`
	Message *string `json:"message"`
	Param   *string `json:"param"`
	Code    any     `json:"code"`
}

// Corpus returns the captured exchanges of a kind (chat, responses, anthropic,
// gemini, ollama-native) in the order of their names. It skips the test where
// there is no corpus.
func Corpus(t testing.TB, kind string) []Exchange {
	t.Helper()
	dir := os.Getenv(CorpusVariable)
	if dir == "" {
		dir = filepath.Join(Root(t), "..", "shared", "corpus")
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("no corpus of captured traffic in %s", dir)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*", "expect.json"))
	if err != nil {
		t.Fatal(err)
	}
	var out []Exchange
	for _, f := range files {
		x, err := load(filepath.Dir(f))
		if err != nil {
			t.Fatal(err)
		}
		if x.Expect.Kind == kind {
			out = append(out, x)
		}
	}
	return out
}

// Root returns the directory that holds go.mod.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = up
	}
}

func load(dir string) (Exchange, error) {
	api, name := filepath.Base(filepath.Dir(dir)), filepath.Base(dir)
	x := Exchange{Name: api + "/" + name}
	expect, err := os.ReadFile(filepath.Join(dir, "expect.json"))
	if err != nil {
		return x, err
	}
	if err := errors.Join(json.Unmarshal(expect, &x.Expect), json.Unmarshal(expect, &x.Expect.Members)); err != nil {
		return x, fmt.Errorf("%s: %w", dir, err)
	}
	if x.Body, err = os.ReadFile(filepath.Join(dir, "response.body")); err != nil {
		return x, err
	}
	if x.Request, err = os.ReadFile(filepath.Join(dir, "request.json")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return x, err
	}
	x.Status = x.Expect.StatusCode
	x.ContentType = contentType(dir, x)
	return x, nil
}

// contentType returns the captured media type. Many recorders kept no headers;
// then the body tells.
func contentType(dir string, x Exchange) string {
	var header map[string][]string
	if b, err := os.ReadFile(filepath.Join(dir, "response.headers.json")); err == nil && json.Unmarshal(b, &header) == nil {
		if v := header["content-type"]; len(v) > 0 {
			return v[0]
		}
	}
	body := strings.TrimLeft(string(x.Body[:min(64, len(x.Body))]), " \r\n\t")
	switch {
	case !x.Expect.Stream, strings.HasPrefix(body, "["):
		return "application/json"
	case strings.HasPrefix(body, "{"):
		return "application/x-ndjson"
	}
	return "text/event-stream"
}
