package record_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/record"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openaichat"
)

type sink struct{ entry *record.Entry }

func (s *sink) Start(*llm.Interaction) {}

func (s *sink) Finish(_ context.Context, e *record.Entry) error {
	s.entry = e
	return nil
}

// A secret of the request that the answer repeats is in no part of the record, even
// where the provider's events cut it into pieces.
func TestRepeatedSecret(t *testing.T) {
	const value = "tok_5Kq9vWz2XyPb7LmN4RtC"
	for name, pieces := range map[string][]string{
		"whole":    {"it is " + value + "."},
		"in two":   {"it is tok_5Kq9", "vWz2XyPb7LmN4RtC."},
		"by bytes": strings.Split(value, ""),
	} {
		t.Run(name, func(t *testing.T) {
			var kept sink
			req := httptest.NewRequest(http.MethodPost, "/v1/openai/p/chat/completions", nil)
			x := record.New(record.Options{Sink: &kept}).Begin(req, record.Target{Provider: "openai", Profile: "p", API: llm.APIChatCompletions, Format: openaichat.New(), Stream: true})
			x.Conceal(value)
			x.Response(http.StatusOK, http.Header{"Content-Type": {"text/event-stream"}}, -1)
			for _, p := range pieces {
				x.Write([]byte(`data: {"choices":[{"index":0,"delta":{"content":"` + p + "\"}}]}\n\n"))
			}
			x.Write([]byte("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"))
			if err := x.Commit(record.End{}); err != nil {
				t.Fatal(err)
			}
			i, err := json.Marshal(kept.entry.Interaction)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(i, []byte(value)) || bytes.Contains(kept.entry.Response.Data, []byte(value)) {
				t.Errorf("the record holds the value: %s %s", i, kept.entry.Response.Data)
			}
			if !strings.Contains(kept.entry.Interaction.Text, record.Redacted) || kept.entry.Interaction.State != llm.StateDone {
				t.Errorf("%q, %s", kept.entry.Interaction.Text, kept.entry.Interaction.State)
			}
			if whole := len(kept.entry.Response.Data) > 0; whole != (name == "whole") {
				t.Errorf("the bytes are kept: %t", whole)
			}
		})
	}
}
