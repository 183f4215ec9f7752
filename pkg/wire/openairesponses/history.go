package openairesponses

import (
	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/view"
)

// Piece implements wire.Pieced.
func (format) Piece(name []byte) wire.Piece {
	switch string(name) {
	case "input":
		return wire.PieceMessages
	case "instructions":
		return wire.PieceSystem
	case "tools":
		return wire.PieceTools
	}
	return wire.PieceNone
}

// ReadMessage implements wire.Pieced.
func (format) ReadMessage(body []byte, s *jsonscan.Scanner) llm.Message {
	r := reader{body: body}
	return r.message(view.Read(s))
}

// ReadSystem implements wire.Pieced.
func (format) ReadSystem(body []byte, s *jsonscan.Scanner) []llm.Part {
	r := reader{body: body}
	return r.instructions(s)
}

// ReadTools implements wire.Pieced.
func (format) ReadTools(body []byte, s *jsonscan.Scanner) []llm.Tool {
	r := reader{body: body}
	return r.tools(nil, s, "")
}
