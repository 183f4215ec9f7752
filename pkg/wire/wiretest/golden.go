package wiretest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// UpdateVariable names the environment variable that makes Golden write what
// was decoded into the cases, to be read and committed by a person.
const UpdateVariable = "ARCHESTRA_TEST_UPDATE"

// streams are the media types of a case's streamed response, by file name.
var streams = map[string]string{
	"stream.sse":    "text/event-stream",
	"stream.ndjson": "application/x-ndjson",
	"stream.json":   "application/json",
}

// Golden decodes the cases in testdata/wire/<dir>/*.txtar and compares each
// with what the case wants. A case's files are
//
//	request.json          a request body
//	want-request.json     its surface and its conversation
//	response.json         a whole response; a line "status: 429" in the comment gives its status
//	stream.sse, …         or a streamed one
//	want.json             its answer
//
// and its comment says where the bytes come from.
func Golden(t *testing.T, dir string, format wire.Format) {
	GoldenBy(t, dir, func(string) wire.Format { return format })
}

// GoldenBy is Golden for formats that depend on the case, told by its file's path.
func GoldenBy(t *testing.T, dir string, format func(file string) wire.Format) {
	files, err := filepath.Glob(filepath.Join(Root(t), "testdata", "wire", dir, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in testdata/wire/%s (%v)", dir, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			golden(t, file, format(file))
		})
	}
}

func golden(t *testing.T, file string, format wire.Format) {
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]byte{}
	var order []string
	for _, f := range ar.Files {
		switch f.Name {
		case "request.json":
			got["want-request.json"] = requestView(t, format, f.Data)
			order = append(order, "want-request.json")
		case "response.json":
			got["want.json"] = indent(t, answerView{answer: format.Answer(status(ar.Comment), bytes.TrimSuffix(f.Data, []byte("\n")))})
			order = append(order, "want.json")
		case "want.json", "want-request.json":
		default:
			contentType, ok := streams[f.Name]
			if !ok {
				t.Fatalf("unknown file %s", f.Name)
			}
			a := Answers(t, format, 200, contentType, f.Data)
			_, deltas := Decode(format, contentType, f.Data, func() int { return len(f.Data) })
			got["want.json"] = indent(t, answerView{answer: a, deltas: deltas})
			order = append(order, "want.json")
		}
	}
	if len(got) == 0 {
		t.Fatal("the case has nothing to decode")
	}
	if os.Getenv(UpdateVariable) != "" {
		update(t, file, ar, order, got)
		return
	}
	want := map[string][]byte{}
	for _, f := range ar.Files {
		if strings.HasPrefix(f.Name, "want") {
			want[f.Name] = f.Data
		}
	}
	for _, name := range order {
		if diff := cmp.Diff(string(want[name]), string(got[name])); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		delete(want, name)
	}
	for name := range want {
		t.Errorf("%s has nothing to compare with", name)
	}
}

func update(t *testing.T, file string, ar *txtar.Archive, order []string, got map[string][]byte) {
	var files []txtar.File
	for _, f := range ar.Files {
		if !strings.HasPrefix(f.Name, "want") {
			files = append(files, f)
		}
	}
	for _, name := range order {
		files = append(files, txtar.File{Name: name, Data: got[name]})
	}
	ar.Files = files
	if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
		t.Fatal(err)
	}
}

func status(comment []byte) int {
	for line := range strings.Lines(string(comment)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "status: "); ok {
			if n, err := strconv.Atoi(v); err == nil {
				return n
			}
		}
	}
	return 200
}

// requestView shows a request. The bytes under each part's span are checked.
func requestView(t *testing.T, format wire.Format, body []byte) []byte {
	t.Helper()
	r := format.Scan(body)
	c, err := format.Conversation(body)
	if err != nil {
		t.Errorf("Conversation: %v", err)
	}
	for i, m := range c.Messages {
		checkSpans(t, body, "messages["+strconv.Itoa(i)+"]", m.Parts)
	}
	checkSpans(t, body, "system", c.System)
	return indent(t, struct {
		Scan         scanView
		Conversation llm.Conversation
	}{scanView{r.Model, r.Stream, r.Session, r.IncludeUsage, r.HasStreamOptions, r.Tools}, c})
}

type scanView struct {
	Model            string `json:",omitempty"`
	Stream           bool   `json:",omitempty"`
	Session          string `json:",omitempty"`
	IncludeUsage     bool   `json:",omitempty"`
	HasStreamOptions bool   `json:",omitempty"`
	Tools            bool   `json:",omitempty"`
}

// answerView shows an answer without what it does not have.
type answerView struct {
	answer llm.Answer
	deltas []wire.Delta
}

func (v answerView) MarshalJSON() ([]byte, error) {
	a := v.answer
	return json.Marshal(struct {
		ID            string         `json:",omitempty"`
		Model         string         `json:",omitempty"`
		Choices       []llm.Choice   `json:",omitempty"`
		Reasoning     string         `json:",omitempty"`
		Refusal       string         `json:",omitempty"`
		ToolCalls     []llm.ToolCall `json:",omitempty"`
		FinishReasons []string       `json:",omitempty"`
		Usage         *llm.Usage     `json:",omitempty"`
		Error         *llm.Error     `json:",omitempty"`
		Complete      bool
		Truncated     bool   `json:",omitempty"`
		Frames        string `json:",omitempty"`
	}{
		a.ID, a.Model, a.Choices, a.Reasoning, a.Refusal, a.ToolCalls, a.FinishReasons,
		a.Usage, a.Error, a.Complete, a.Truncated, Deltas(v.deltas),
	})
}

// Deltas writes what each frame meant as a word: its letters are T for a token,
// C for a part of a tool call, U for usage only, E for an error, $ for the
// terminal frame and - for nothing, followed by the number of finished calls
// where that changed.
func Deltas(deltas []wire.Delta) string {
	var b strings.Builder
	finished := 0
	for _, d := range deltas {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		start := b.Len()
		for _, f := range []struct {
			on     bool
			letter byte
		}{{d.Token, 'T'}, {d.ToolCall, 'C'}, {d.UsageOnly, 'U'}, {d.Error, 'E'}, {d.Terminal, '$'}} {
			if f.on {
				b.WriteByte(f.letter)
			}
		}
		if b.Len() == start {
			b.WriteByte('-')
		}
		if d.Finished != finished {
			finished = d.Finished
			b.WriteString(strconv.Itoa(finished))
		}
	}
	return b.String()
}

func indent(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
