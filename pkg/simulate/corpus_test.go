package simulate

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// corpus holds captured traffic of real providers, where it is at hand.
const corpus = "../../../shared/corpus"

// shapes adds the paths of all members of v to seen, such as
// "choices[].delta.content", with the kind of value behind each.
func shapes(seen map[string]bool, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			shapes(seen, path+"."+name, member)
		}
	case []any:
		for _, e := range v {
			shapes(seen, path+"[]", e)
		}
	case string:
		seen[path+" string"] = true
	case float64:
		seen[path+" number"] = true
	case bool:
		seen[path+" bool"] = true
	case nil:
		seen[path+" null"] = true
	}
}

// eventShapes collects the shapes of a body of any framing. With byType each
// kind of event is kept apart.
func eventShapes(t *testing.T, seen map[string]bool, body string, byType bool) {
	t.Helper()
	add := func(s string) {
		var v any
		if json.Unmarshal([]byte(s), &v) != nil {
			return // [DONE], or a captured error page
		}
		prefix := ""
		if byType {
			// All terminal events hold the same response.
			prefix = strings.Replace(text(v, "type"), "response.incomplete", "response.completed", 1)
		}
		shapes(seen, prefix, v)
	}
	trimmed := strings.TrimSpace(body)
	switch {
	case strings.HasPrefix(trimmed, "["):
		var all []json.RawMessage
		if json.Unmarshal([]byte(trimmed), &all) == nil {
			for _, e := range all {
				add(string(e))
			}
		}
	case strings.HasPrefix(trimmed, "{") && json.Valid([]byte(trimmed)):
		add(trimmed)
	case strings.HasPrefix(trimmed, "{"):
		for l := range strings.Lines(trimmed) {
			add(l)
		}
	default:
		for _, e := range events(t, body) {
			add(e.data)
		}
	}
}

// TestShapesOfCapturedTraffic: every member that the simulated providers write,
// with its kind of value, was seen in real traffic of that API.
func TestShapesOfCapturedTraffic(t *testing.T) {
	if _, err := os.Stat(corpus); err != nil {
		t.Skip("no captured traffic here")
	}
	folders := map[string][]string{
		"openai chat":        {"openai-chat"},
		"xai chat":           {"xai"},
		"cerebras chat":      {"cerebras"},
		"vllm chat":          {"vllm"},
		"ollama chat":        {"ollama"},
		"openai responses":   {"openai-responses"},
		"anthropic messages": {"anthropic-messages"},
		"gemini":             {"gemini-generatecontent", "gemini-stream"},
		"gemini array":       {"gemini-generatecontent", "gemini-stream", "vertex"},
		"ollama native":      {"ollama-native"},
	}
	// What no captured case happens to hold, and where it is documented.
	documented := map[string][]string{
		// x.ai's guide to reasoning; only streams were captured.
		"xai chat": {".choices[].message.reasoning_content string"},
		// Cerebras' pages on errors and on reasoning.
		"cerebras chat": {".code string", ".message string", ".param null", ".type string", ".choices[].delta.reasoning string"},
		// vLLM's ErrorResponse.
		"vllm chat": {".error.code number", ".error.message string", ".error.param null", ".error.type string"},
		// The reference of the responses: reasoning summaries and reasons for an early
		// end; param is null where no parameter is at fault.
		"openai responses": {
			".output[].summary[].type string", ".output[].summary[].text string",
			"response.completed.response.incomplete_details.reason string", ".error.param null",
			"response.completed.response.completed_at null",
		},
		"ollama native": {".error string"}, // the page on errors
	}
	_, url := newTestServer(t, Options{})
	for _, sp := range speakers {
		real := map[string]bool{}
		byType := sp.name == "openai responses" || sp.name == "anthropic messages"
		for _, folder := range folders[sp.name] {
			bodies, _ := filepath.Glob(filepath.Join(corpus, folder, "*", "response.body"))
			for _, f := range bodies {
				b, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				if len(b) < 4<<20 {
					eventShapes(t, real, string(b), byType)
				}
			}
		}
		ours := map[string]bool{}
		for _, words := range []string{"Hi", `[[sim: reason "why" | text "so" | call f {"city":"Paris"} | usage 100 20 cached 40 write 3 reasoning 5]]`, "[[sim: error 400]]", "[[sim: finish length]]"} {
			eventShapes(t, ours, post(t, url+sp.path, sp.body(words, false)).body, byType)
			path := sp.path
			if sp.streamPath != "" {
				path = sp.streamPath
			}
			eventShapes(t, ours, post(t, url+path, sp.body(words, true)).body, byType)
		}
		for shape := range ours {
			// What a tool's arguments hold is the script's own.
			if !real[shape] && !slices.Contains(documented[sp.name], shape) && !strings.Contains(shape, ".args.") && !strings.Contains(shape, ".arguments.") && !strings.Contains(shape, ".input.") {
				t.Errorf("%s: %s was never seen", sp.name, shape)
			}
		}
	}
}
