package gemini

import (
	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// Piece implements wire.Pieced.
func (format) Piece(name []byte) wire.Piece {
	switch string(name) {
	case "contents":
		return wire.PieceMessages
	case "systemInstruction", "system_instruction":
		return wire.PieceSystem
	case "tools":
		return wire.PieceTools
	}
	return wire.PieceNone
}

// ReadMessage implements wire.Pieced.
func (format) ReadMessage(body []byte, s *jsonscan.Scanner) llm.Message {
	r := reader{body: body}
	return r.content(s, llm.RoleUser)
}

// ReadSystem implements wire.Pieced.
func (format) ReadSystem(body []byte, s *jsonscan.Scanner) []llm.Part {
	r := reader{body: body}
	return r.content(s, llm.RoleSystem).Parts
}

// ReadTools implements wire.Pieced.
func (format) ReadTools(body []byte, s *jsonscan.Scanner) []llm.Tool {
	r := reader{body: body}
	return r.declared(s)
}
