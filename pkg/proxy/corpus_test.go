package proxy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/record"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

// captured is one case of the corpus as an upstream needs it.
type captured struct {
	wiretest.Exchange
	method, path, query string
	request, response   []byte
	status              int
	header              http.Header
}

// corpusDir is beside the repository, where the captured traffic may stand.
func corpusDir(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv(wiretest.CorpusVariable); dir != "" {
		return dir
	}
	dir := filepath.Join("..", "..", "..", "shared", "corpus")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the captured traffic is not here")
	}
	return dir
}

// clientPath says where a client of archestra would send a captured request.
func clientPath(api, path string) string {
	switch {
	case strings.HasPrefix(api, "anthropic"):
		return "/v1/anthropic/corpus" + path
	case strings.HasPrefix(api, "gemini"), strings.HasPrefix(api, "vertex"):
		return "/v1/gemini/corpus" + path
	}
	name := map[string]string{
		"cerebras": "cerebras", "vllm": "vllm", "xai": "xai",
		"ollama": "ollama", "ollama-native": "ollama", "ollama-anthropic": "ollama",
	}[api]
	if name == "" {
		name = "openai"
	}
	return "/v1/" + name + "/corpus" + path
}

func load(t *testing.T, dir string) []captured {
	t.Helper()
	metas, err := filepath.Glob(filepath.Join(dir, "*", "*", "request.meta.json"))
	if err != nil || len(metas) == 0 {
		t.Fatalf("no cases in the corpus: %v", err)
	}
	var out []captured
	read := func(path string) []byte {
		b, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return b
	}
	for _, m := range metas {
		folder := filepath.Dir(m)
		var meta struct{ Method, Path, Query string }
		c := captured{}
		c.Name = filepath.Base(filepath.Dir(folder)) + "/" + filepath.Base(folder)
		if err := json.Unmarshal(read(m), &meta); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(read(filepath.Join(folder, "expect.json")), &c.Expect); err != nil {
			t.Fatal(c.Name, err)
		}
		if err := json.Unmarshal(read(filepath.Join(folder, "response.headers.json")), &c.header); err != nil {
			t.Fatal(err)
		}
		c.method, c.path, c.query = meta.Method, meta.Path, meta.Query
		c.request, c.response = read(filepath.Join(folder, "request.json")), read(filepath.Join(folder, "response.body"))
		c.Body = c.response
		c.status, err = strconv.Atoi(strings.TrimSpace(string(read(filepath.Join(folder, "response.status")))))
		if err != nil {
			t.Fatal(err)
		}
		c.Status = c.status
		out = append(out, c)
	}
	return out
}

// cuttings are the ways in which an upstream may deliver a body.
var cuttings = []struct {
	name  string
	limit int // bodies over it are left out; 0 is none
	cut   func(body []byte) [][]byte
}{
	{"whole", 0, func(b []byte) [][]byte { return [][]byte{b} }},
	{"event", 0, func(b []byte) [][]byte { return bytes.SplitAfter(b, []byte("\n\n")) }},
	{"seven", 0, func(b []byte) [][]byte { return pieces(b, 7) }},
	{"byte", 20 << 10, func(b []byte) [][]byte { return pieces(b, 1) }},
}

func pieces(b []byte, n int) (out [][]byte) {
	for len(b) > n {
		out, b = append(out, b[:n]), b[n:]
	}
	return append(out, b)
}

// TestCorpus replays captured traffic through the proxy: both sides' bytes pass
// unchanged however they are cut, and the record says what the provider stated.
func TestCorpus(t *testing.T) {
	cases := load(t, corpusDir(t))
	var mu sync.Mutex
	var now captured
	var cut func([]byte) [][]byte
	var got []byte
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got, _ = io.ReadAll(r.Body)
		for name, values := range now.header {
			for _, v := range values {
				w.Header().Add(name, v)
			}
		}
		w.WriteHeader(now.status)
		for _, part := range cut(now.response) {
			_, _ = w.Write(part)
			_ = http.NewResponseController(w).Flush()
		}
	}))
	defer upstream.Close()
	base, sink := start(t, upstream.URL, nil)
	c := client(t)
	bytesRight, fields, wrong, n := 0, 0, 0, 0
	var report []string
	for _, x := range cases {
		right := true
		for _, how := range cuttings {
			if how.limit > 0 && len(x.response) > how.limit || testing.Short() && how.name != "whole" {
				continue
			}
			mu.Lock()
			now, cut, got = x, how.cut, nil
			mu.Unlock()
			url := base + clientPath(filepath.Dir(x.Name), x.path)
			if x.query != "" {
				url += "?" + x.query
			}
			var body io.Reader
			if x.method != http.MethodGet {
				body = bytes.NewReader(x.request)
			}
			req, err := http.NewRequest(x.method, url, body)
			if err != nil {
				t.Fatal(err)
			}
			if body != nil {
				req.Header.Set("Content-Type", "application/json")
			}
			res, err := c.Do(req)
			if err != nil {
				t.Fatalf("%s: %v", x.Name, err)
			}
			back, err := io.ReadAll(res.Body)
			res.Body.Close()
			n++
			e := sink.last(t, n)
			mu.Lock()
			sent := got
			mu.Unlock()
			switch {
			case err != nil:
				t.Errorf("%s, %s: %v", x.Name, how.name, err)
			case res.StatusCode != x.status:
				t.Errorf("%s, %s: status %d, want %d: %.200s", x.Name, how.name, res.StatusCode, x.status, back)
			case !bytes.Equal(back, x.response):
				k := 0
				for k < len(back) && k < len(x.response) && back[k] == x.response[k] {
					k++
				}
				t.Errorf("%s, %s: the client got other bytes from %d on:\ngot  %.300q\nwant %.300q", x.Name, how.name, k, back[max(k-100, 0):], x.response[max(k-100, 0):])
			case !bytes.Equal(sent, x.request):
				t.Errorf("%s, %s: the provider got other bytes", x.Name, how.name)
			case !bytes.Equal(e.Response.Data, x.response), !bytes.Equal(e.Request.Data, x.request):
				t.Errorf("%s, %s: other bytes were recorded", x.Name, how.name)
			default:
				k, diffs := compare(x, e)
				fields += k
				wrong += len(diffs)
				for _, d := range diffs {
					if how.name == "whole" {
						report = append(report, x.Name+": "+d)
					}
				}
				continue
			}
			right = false
		}
		if right {
			bytesRight++
		}
	}
	for _, line := range report {
		t.Log(line)
	}
	t.Logf("bytes: %d of %d cases; fields: %d of %d as stated", bytesRight, len(cases), fields-wrong, fields)
	if fields == 0 || float64(wrong) > 0.01*float64(fields) {
		t.Errorf("%d of %d fields are not as the provider states them", wrong, fields)
	}
}

// compare holds a record against what the provider stated.
func compare(x captured, e *record.Entry) (int, []string) {
	i := e.Interaction
	if x.Expect.Kind == "misc" {
		if i.API != llm.APIOther {
			return 1, []string{fmt.Sprintf("api is %s, want other", i.API)}
		}
		return 1, nil
	}
	a := llm.Answer{
		ID: i.ResponseID, Model: i.Model, Choices: i.Choices, Reasoning: i.Reasoning, Refusal: i.Refusal,
		ToolCalls: i.ToolCalls, FinishReasons: i.FinishReasons, Usage: i.Usage, Error: i.Error,
		Complete: i.State == llm.StateDone,
	}
	if i.State == llm.StateFailed {
		// A failure is an end too, whether by status or inside a 200; what must
		// not be is a success without an end.
		a.Complete = x.Expect.Error != nil
		x.Expect.SawDone, x.Expect.SawStop = nil, nil
	}
	k, diffs := wiretest.Compare(x.Exchange, a)
	out := make([]string, len(diffs))
	for n, d := range diffs {
		out[n] = d.String()
	}
	return k, out
}
