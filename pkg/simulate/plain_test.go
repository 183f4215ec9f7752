package simulate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
)

func TestPlainEndpoints(t *testing.T) {
	_, url := newTestServer(t, Options{})
	tests := []struct {
		method, path, body string
		header             []string
		want               string // a part of the answer
	}{
		{"GET", "/v1/models", "", nil, `"owned_by":"openai"`},
		{"GET", "/v1/models/gpt-4o-mini", "", nil, `"id":"gpt-4o-mini"`},
		{"GET", "/v1/models", "", []string{"Anthropic-Version", "2023-06-01"}, `"has_more":false`},
		{"GET", "/anthropic/v1/models", "", nil, `"first_id":"claude-sonnet-4-5"`},
		{"GET", "/v1beta/models", "", nil, `"name": "models/gemini-2.5-flash"`},
		{"GET", "/vllm/v1/models", "", nil, `"max_model_len"`},
		{"GET", "/api/tags", "", nil, `"models":[{"name":"llama3.2:3b"`},
		{"GET", "/ollama/api/version", "", nil, `"version"`},
		{"POST", "/v1/messages/count_tokens", `{"model":"m","messages":[{"role":"user","content":"one two three"}]}`, nil, `{"input_tokens":3}`},
		{"POST", "/v1/responses/input_tokens", `{"model":"m","input":"one two"}`, nil, `"input_tokens":2`},
		{"POST", "/v1beta/models/m:countTokens", `{"contents":[{"parts":[{"text":"one two"}]}]}`, nil, `"totalTokens": 2`},
		{"POST", "/v1/embeddings", `{"model":"e","input":["a","b"],"dimensions":4}`, nil, `"index":1`},
		{"POST", "/v1/embeddings", `{"model":"e","input":[1,2,3],"encoding_format":"base64"}`, nil, `"embedding":"`},
		{"POST", "/v1beta/models/e:embedContent", `{"content":{"parts":[{"text":"a"}]}}`, nil, `"embedding"`},
		{"POST", "/v1beta/models/e:batchEmbedContents", `{"requests":[{"content":{"parts":[{"text":"a"}]}}]}`, nil, `"embeddings"`},
		{"PATCH", "/v1/echo/some/where?a=1;b=2", "abc", nil, `"query":"a=1;b=2"`},
		{"GET", "/ollama/", "", nil, "Ollama is running"},
	}
	for _, tt := range tests {
		res := do(t, tt.method, url+tt.path, tt.body, tt.header...)
		if res.status != 200 || !strings.Contains(res.body, tt.want) {
			t.Errorf("%s %s: %d, no %s in\n%s", tt.method, tt.path, res.status, tt.want, res.body)
		}
	}
}

func TestFiles(t *testing.T) {
	s, url := newTestServer(t, Options{KeepBody: 1 << 10})
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	_ = w.WriteField("purpose", "batch")
	part, _ := w.CreateFormFile("file", "lines.jsonl")
	content := strings.Repeat("0123456789abcdef", 1<<10)
	_, _ = io.WriteString(part, content)
	_ = w.Close()
	sum := sha256.Sum256([]byte(content))
	wire := form.Len()
	res := post(t, url+"/openai/v1/files", form.String(), "Content-Type", w.FormDataContentType())
	v := parse(t, res.body)
	if res.status != 200 || number(v, "bytes") != len(content) || text(v, "sha256") != hex.EncodeToString(sum[:]) ||
		text(v, "filename") != "lines.jsonl" || text(v, "purpose") != "batch" {
		t.Fatalf("%d %s", res.status, res.body)
	}
	if got := s.Requests()[0]; got.Size != int64(wire) || len(got.Body) != 1<<10 {
		t.Errorf("the journal has %d of %d bytes, want %d", len(got.Body), got.Size, wire)
	}
	if res := do(t, "GET", url+"/v1/files/"+text(v, "id")+"/content", ""); res.body != content[:1<<10] {
		t.Errorf("content: %d %.100s", res.status, res.body)
	}
	if res := do(t, "GET", url+"/v1/files", ""); !strings.Contains(res.body, text(v, "id")) {
		t.Errorf("list: %s", res.body)
	}
	if res := post(t, url+"/v1/files", "{}"); res.status != 400 {
		t.Errorf("no form: %d", res.status)
	}
}

func TestRoute(t *testing.T) {
	tests := []struct {
		path     string
		provider string
		format   Format
		arg      string
	}{
		{"/v1/chat/completions", OpenAI, ChatCompletions, "completions"},
		{"/chat/completions", OpenAI, ChatCompletions, "completions"},
		{"/openai/v1/chat/completions", OpenAI, ChatCompletions, "completions"},
		{"/cerebras/chat/completions", Cerebras, ChatCompletions, "completions"},
		{"/gemini/v1beta/openai/chat/completions", Gemini, ChatCompletions, "completions"},
		{"/v1/messages", Anthropic, Messages, ""},
		{"/messages", Anthropic, Messages, ""},
		{"/ollama/v1/messages", Ollama, Messages, ""},
		{"/v1beta/models/gemini-2.5-flash:generateContent", Gemini, GenerateContent, "gemini-2.5-flash"},
		{"/gemini/models/a/b:streamGenerateContent", Gemini, GenerateContent, "a/b"},
		{"/v1/projects/p/locations/l/publishers/google/models/g:generateContent", Vertex, GenerateContent, "g"},
		{"/vertex/v1beta1/projects/p/locations/global/publishers/google/models/g:streamGenerateContent", Vertex, GenerateContent, "g"},
		{"/v1/projects/p/locations/l/publishers/anthropic/models/c@1:rawPredict", Vertex, Messages, "c@1"},
		{"/api/generate", Ollama, OllamaGenerate, "generate"},
		{"/xai/v1/responses", XAI, Responses, ""},
	}
	for _, tt := range tests {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://host"+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := route(r)
		if got.provider != tt.provider || got.format != tt.format || got.arg != tt.arg || got.endpoint != endpointAnswer {
			t.Errorf("%s: %+v", tt.path, got)
		}
	}
}
