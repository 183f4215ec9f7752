package anthropic

import (
	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// Piece implements wire.Pieced.
func (format) Piece(name []byte) wire.Piece {
	switch string(name) {
	case "messages":
		return wire.PieceMessages
	case "system":
		return wire.PieceSystem
	case "tools":
		return wire.PieceTools
	}
	return wire.PieceNone
}

// ReadMessage implements wire.Pieced.
func (format) ReadMessage(body []byte, s *jsonscan.Scanner) llm.Message {
	r := reader{body: body}
	return r.message(s)
}

// ReadSystem implements wire.Pieced.
func (format) ReadSystem(body []byte, s *jsonscan.Scanner) []llm.Part {
	r := reader{body: body}
	return r.content(s, nil)
}

// ReadTools implements wire.Pieced.
func (format) ReadTools(body []byte, s *jsonscan.Scanner) (tools []llm.Tool) {
	r := reader{body: body}
	for range s.Array() {
		tools = append(tools, r.tool(s))
	}
	return tools
}
