package simulate

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
)

// TestErrors checks the documented shape of each provider's errors.
func TestErrors(t *testing.T) {
	_, url := newTestServer(t, Options{})
	paths := map[string]struct {
		path string
		typ  []any // where the type or status stands
		msg  []any
		want map[int]string
	}{
		"openai": {"/v1/chat/completions", []any{"error", "type"}, []any{"error", "message"}, map[int]string{
			400: "invalid_request_error", 401: "invalid_request_error", 403: "invalid_request_error", 404: "invalid_request_error",
			413: "invalid_request_error", 429: "requests", 500: "server_error", 503: "server_error",
		}},
		"anthropic": {"/v1/messages", []any{"error", "type"}, []any{"error", "message"}, map[int]string{
			400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
			413: "request_too_large", 429: "rate_limit_error", 500: "api_error", 529: "overloaded_error",
		}},
		"gemini": {"/v1beta/models/m:generateContent", []any{"error", "status"}, []any{"error", "message"}, map[int]string{
			400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
			429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE",
		}},
		"xai":      {"/xai/chat/completions", []any{"code"}, []any{"error"}, map[int]string{503: "The service is currently unavailable"}},
		"cerebras": {"/cerebras/chat/completions", []any{"code"}, []any{"message"}, map[int]string{401: "wrong_api_key", 404: "model_not_found"}},
		"vllm":     {"/vllm/chat/completions", []any{"error", "type"}, []any{"error", "message"}, map[int]string{404: "NotFoundError"}},
		"native":   {"/api/chat", nil, []any{"error"}, map[int]string{404: "", 500: ""}},
	}
	for name, p := range paths {
		for status, typ := range p.want {
			res := post(t, url+p.path, "{}", "X-Simulate", "error "+strconv.Itoa(status))
			v := parse(t, res.body)
			if res.status != status || (p.typ != nil && text(v, p.typ...) != typ) || text(v, p.msg...) == "" {
				t.Errorf("%s %d: %d %s", name, status, res.status, res.body)
			}
			if status == 429 && name != "gemini" && res.header.Get("Retry-After") == "" {
				t.Errorf("%s: 429 without Retry-After", name)
			}
			said := post(t, url+p.path, "{}", "X-Simulate", `error `+strconv.Itoa(status)+` "my own words"`)
			if got := text(parse(t, said.body), p.msg...); got != "my own words" {
				t.Errorf("%s %d: message %q", name, status, got)
			}
		}
	}
	if v := parse(t, post(t, url+"/v1/messages", "{}", "X-Simulate", "error 529").body); text(v, "type") != "error" || !strings.HasPrefix(text(v, "request_id"), "req_01") {
		t.Errorf("Anthropic's envelope: %v", v)
	}
}

func TestBadRequests(t *testing.T) {
	_, url := newTestServer(t, Options{Strict: true, MaxBody: 1 << 16})
	tests := []struct {
		path, body string
		status     int
		want       string
	}{
		{"/v1/chat/completions", `{"model":`, 400, "could not be parsed"},
		{"/v1/chat/completions", `{"model":"m"}`, 400, "messages"},
		{"/v1/chat/completions", `{"messages":[]}`, 400, "model"},
		{"/v1/messages", `{"model":"m","max_tokens":1,"messages":[]}`, 400, "anthropic-version"},
		{"/v1beta/models/m:generateContent", `{}`, 400, "contents"},
		{"/api/chat", `{}`, 400, "model is required"},
		{"/v1/chat/completions", strings.Repeat(" ", 1<<17), 413, "too large"},
		{"/v1/nothing", `{}`, 404, "Invalid URL"},
		{"/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"[[sim: dance]]"}]}`, 400, `unknown instruction \"dance\"`},
	}
	for _, tt := range tests {
		res := post(t, url+tt.path, tt.body)
		if res.status != tt.status || !strings.Contains(res.body, tt.want) || !json.Valid([]byte(res.body)) {
			t.Errorf("%s %.40s: %d %s", tt.path, tt.body, res.status, res.body)
		}
	}
	if res := do(t, "GET", url+"/v1/chat/completions", ""); res.status != 405 {
		t.Errorf("GET: %d", res.status)
	}
}

func TestKeys(t *testing.T) {
	_, url := newTestServer(t, Options{Keys: map[string]string{OpenAI: "sk-right", Anthropic: "ant-right", Gemini: "goog-right", XAI: "xai-right"}})
	const chat, messages, gemini = `/v1/chat/completions`, `/v1/messages`, `/v1beta/models/m:generateContent`
	tests := []struct {
		path   string
		header []string
		status int
	}{
		{chat, []string{"Authorization", "Bearer sk-right"}, 200},
		{chat, []string{"Authorization", "Bearer sk-wrong-key"}, 401},
		{chat, nil, 401},
		{messages, []string{"X-Api-Key", "ant-right"}, 200},
		{messages, []string{"Authorization", "Bearer ant-right"}, 200},
		{messages, []string{"X-Api-Key", "sk-right"}, 401},
		{gemini, []string{"X-Goog-Api-Key", "goog-right"}, 200},
		{gemini + "?key=goog-right", nil, 200},
		{gemini, []string{"X-Goog-Api-Key", "sk-right"}, 400},
		{gemini, nil, 403},
		{"/xai" + chat, []string{"Authorization", "Bearer xai-wrong"}, 400},
		{"/vllm" + chat, nil, 200},
	}
	for _, tt := range tests {
		body := `{"model":"m","messages":[],"contents":[]}`
		if res := post(t, url+tt.path, body, tt.header...); res.status != tt.status {
			t.Errorf("%s %v: %d, want %d\n%s", tt.path, tt.header, res.status, tt.status, res.body)
		}
	}
}
