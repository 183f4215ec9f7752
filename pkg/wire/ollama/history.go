package ollama

import (
	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// Piece implements wire.Pieced. A request to /api/generate has no messages, and
// puts its texts together from several members.
func (f format) Piece(name []byte) wire.Piece {
	switch string(name) {
	case "messages":
		if f.api == llm.APIOllamaChat {
			return wire.PieceMessages
		}
	case "tools":
		return wire.PieceTools
	}
	return wire.PieceNone
}

// ReadMessage implements wire.Pieced.
func (format) ReadMessage(body []byte, s *jsonscan.Scanner) llm.Message {
	return reader{body}.message(s)
}

// ReadSystem implements wire.Pieced. Nothing stands outside the messages.
func (format) ReadSystem([]byte, *jsonscan.Scanner) []llm.Part { return nil }

// ReadTools implements wire.Pieced.
func (format) ReadTools(body []byte, s *jsonscan.Scanner) (tools []llm.Tool) {
	for range s.Array() {
		tools = append(tools, reader{body}.tool(s))
	}
	return tools
}
