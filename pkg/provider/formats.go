package provider

import (
	"encoding/json"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/sse"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/anthropic"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openaichat"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openairesponses"
)

// The formats that providers speak.
//
// TODO: the packages below pkg/wire are being written; until each lands, a
// format that sees nothing stands in.
var (
	chatFormat      wire.Format = openaichat.New()
	responsesFormat wire.Format = openairesponses.New()
	messagesFormat  wire.Format = anthropic.New()
	geminiFormat    wire.Format = blind{llm.APIGenerateContent}
	ollamaChat      wire.Format = blind{llm.APIOllamaChat}
	ollamaGenerate  wire.Format = blind{llm.APIOllamaGenerate}
)

type blind struct{ api llm.API }

func (b blind) API() llm.API                                    { return b.api }
func (blind) Scan([]byte) wire.Request                          { return wire.Request{} }
func (blind) Conversation([]byte) (c llm.Conversation, _ error) { return c, nil }
func (blind) Answer(int, []byte) (a llm.Answer)                 { return a }
func (blind) NewFramer(string, int) sse.Framer                  { return nil }
func (blind) NewStream(int) wire.Stream                         { return nil }
func (blind) StreamError(string, llm.Error) []byte              { return nil }
func (blind) Error(_ int, e llm.Error) []byte {
	b, _ := json.Marshal(map[string]any{"error": map[string]any{"message": e.Message, "type": e.Type, "code": e.Code}})
	return b
}
