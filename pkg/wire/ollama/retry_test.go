package ollama_test

import (
	"errors"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/ollama"
	"github.com/archestra-ai/archestra-cli/pkg/wire/wiretest"
)

func continuing() wiretest.Retrying { return ollama.Chat().(wiretest.Retrying) }

func retry() wiretest.Retry {
	return wiretest.Retry{
		Format: continuing(), Dir: "ollama", Parting: "\n\n", Sound: func([]byte) string { return "" },
		Requests: []string{` { "model" : "m", "messages":[ ] }`, `{"messages":[{"role":"user","content":"Hi \u00e4"} ]}`},
	}
}

func TestRetry(t *testing.T) {
	var chats []wiretest.GateCase
	for _, c := range wiretest.GateCases(t, "ollama", continuing()) {
		if c.Name != "generate-stream.txtar" && c.Name != "generate-whole.txtar" && c.Name != "load.txtar" {
			chats = append(chats, c)
		}
	}
	retry().Run(t, chats)
}

func TestRetryCorpus(t *testing.T) { retry().Run(t, wiretest.CorpusCases(t, "ollama-native")) }

func FuzzRetry(f *testing.F) { wiretest.FuzzRetry(f, "ollama", continuing()) }

func TestContinue(t *testing.T) {
	response := `{"message":{"role":"assistant","content":"","thinking":"Hm"},"done":false}` + "\n" +
		`{"message":{"role":"assistant","content":"","thinking":"m"},"done":false}` + "\n" +
		`{"message":{"role":"assistant","content":"So"},"done":false}` + "\n" +
		`{"message":{"role":"assistant","content":"","tool_calls":[{"id":"call_1","function":{"index":0,"name":"f","arguments":{"a": 1}}},{"function":{"name":"g","arguments":{}}}]},"done":false}` + "\n" +
		`{"message":{"role":"assistant","content":""},"done":true,"done_reason":"stop"}` + "\n"
	got, err := continuing().Continue([]byte(`{"messages":[{"role":"user"}]}`), []byte(response), "application/x-ndjson", []string{"No.", "Nor that."})
	want := `{"messages":[{"role":"user"},{"role":"assistant","content":"So","thinking":"Hmm",` +
		`"tool_calls":[{"id":"call_1","function":{"index":0,"name":"f","arguments":{"a": 1}}},{"function":{"name":"g","arguments":{}}}]},` +
		`{"role":"tool","content":"No.","tool_name":"f","tool_call_id":"call_1"},{"role":"tool","content":"Nor that.","tool_name":"g"}]}`
	if err != nil || string(got) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
	generate := ollama.Generate().(wire.Continuing)
	if _, err := generate.Continue([]byte(`{"prompt":"a"}`), []byte(`{"response":"b"}`), "", nil); !errors.Is(err, wire.ErrNotContinued) {
		t.Errorf("generate: %v", err)
	}
}
