package gemini_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/gemini"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func continuing() wiretest.Retrying { return gemini.New().(wiretest.Retrying) }

func retry() wiretest.Retry {
	return wiretest.Retry{
		Format: continuing(), Dir: "gemini", Parting: "\n\n", Sound: sound,
		Requests: []string{` { "contents":[ ] , "tools":[]}`, `{"contents":[{"role":"user","parts":[{"text":"Hi \u00e4"}]} ]}`},
	}
}

func TestRetry(t *testing.T)       { retry().Run(t, wiretest.GateCases(t, "gemini", continuing())) }
func TestRetryCorpus(t *testing.T) { retry().Run(t, wiretest.CorpusCases(t, "gemini")) }

func FuzzRetry(f *testing.F) { wiretest.FuzzRetry(f, "gemini", continuing()) }

// sound checks that an array is one, as far as it has come.
func sound(stream []byte) string {
	if text := strings.TrimSpace(string(stream)); strings.HasPrefix(text, "[") {
		if !json.Valid([]byte(text)) && !json.Valid([]byte(text+"]")) {
			return "the array is none"
		}
	} else if strings.HasPrefix(text, "{") {
		return "no array"
	}
	return ""
}

func TestContinue(t *testing.T) {
	event := func(parts, rest string) string {
		return `data: {"candidates":[{"content":{"parts":[` + parts + `],"role":"model"}` + rest + `}]}` + "\r\n\r\n"
	}
	response := event(`{"text":"Hm","thought":true}`, "") + event(`{"text":"So"}`, "") +
		event(`{"functionCall":{"name":"f","args":{"a": 1}},"thoughtSignature":"c2ln"},{"functionCall":{"id":"2","name":"g","partialArgs":[{"jsonPath":"$.b","stringValue":"x"}],"willContinue":true}}`, "") +
		event(`{"functionCall":{"partialArgs":[{"jsonPath":"$.c","numberValue":2}]}}`, "") +
		event(`{"text":""}`, `,"finishReason":"STOP"`) + event(`{"text":"","thoughtSignature":"bGFzdA=="}`, "")
	const turn = `{"role":"model","parts":[{"text":"Hm","thought":true},{"text":"So"},` +
		`{"functionCall":{"name":"f","args":{"a": 1}},"thoughtSignature":"c2ln"},{"functionCall":{"id":"2","name":"g","args":{"b":"x","c":2}}},` +
		`{"text":"","thoughtSignature":"bGFzdA=="}]},` +
		`{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"error":"No."}}},{"functionResponse":{"id":"2","name":"g","response":{"error":"Nor that."}}}]}`
	for request, want := range map[string]string{
		`{"contents":[{"role":"user"}],"x":1}`: `{"contents":[{"role":"user"},` + turn + `],"x":1}`,
		`{"contents":{"parts":[]}}`:            `{"contents":[{"parts":[]},` + turn + `]}`,
		`{"contents": "a"}`:                    `{"contents": [{"role":"user","parts":[{"text":"a"}]},` + turn + `]}`,
	} {
		got, err := continuing().Continue([]byte(request), []byte(response), "text/event-stream", []string{"No.", "Nor that."})
		if err != nil || string(got) != want {
			t.Errorf("%v\n%s\nwant\n%s", err, got, want)
		}
	}
	for name, c := range map[string]struct{ request, response string }{
		"no contents": {`{}`, response},
		"candidates":  {`{"contents":[]}`, response + `data: {"candidates":[{"index":1}]}` + "\n\n"},
		"error":       {`{"contents":[]}`, response + `data: {"error":{"code":500}}` + "\n\n"},
		"open":        {`{"contents":[]}`, event(`{"functionCall":{"name":"f","args":{}}},{"functionCall":{"name":"g","partialArgs":[{"jsonPath":"x"}]}}`, "")},
	} {
		if out, err := continuing().Continue([]byte(c.request), []byte(c.response), "text/event-stream", []string{"No.", "Nor that."}); !errors.Is(err, wire.ErrNotContinued) {
			t.Errorf("%s: %v, %s", name, err, out)
		}
	}
}

// TestSequel: an array goes on with elements, and its texts are parted.
func TestSequel(t *testing.T) {
	const sent = "[{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"First\"}]}}]}"
	const second = "[{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hm\",\"thought\":true},{\"text\":\"Then\"}]}}]}\n,\r\n{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"so\"}]}}]}\n]"
	const want = ",\n{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hm\",\"thought\":true},{\"text\":\"\\n\\nThen\"}]}}]}\n,\r\n{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"so\"}]}}]}\n]"
	got := wiretest.Sequel(continuing(), "application/json", []byte(sent), []byte(second), func() int { return 20 })
	if string(got) != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	whole, err := continuing().Merge(
		[]byte(`{"candidates":[{"content":{"parts":[{"text":"First"},{"functionCall":{"name":"f"}},{"text":"x"}]}}]}`),
		[]byte(`{"candidates":[{"content":{"parts":[{"text":"Then"}],"role":"model"}}],"responseId":"2"}`))
	if want := `{"candidates":[{"content":{"parts":[{"text":"First"},{"text":"\n\nThen"}],"role":"model"}}],"responseId":"2"}`; err != nil || string(whole) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, whole, want)
	}
}
