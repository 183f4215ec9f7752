package openaichat

import (
	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
)

// Error implements wire.Format. An error without a type gets the one that
// OpenAI sends with the status ("Error codes" of its documentation).
func (format) Error(status int, e llm.Error) []byte {
	if e.Type == "" {
		e.Type = errorType(status)
	}
	return appendError(nil, e)
}

// StreamError implements wire.Format. SDKs raise an event whose data has an
// error member, wherever in the stream it comes.
func (format) StreamError(_ string, e llm.Error) []byte {
	if e.Type == "" {
		e.Type = "server_error"
	}
	b := append([]byte("data: "), appendError(nil, e)...)
	return append(b, "\n\n"...)
}

func appendError(b []byte, e llm.Error) []byte {
	b = append(b, `{"error":{"message":`...)
	b = jsonscan.AppendString(b, e.Message)
	b = append(b, `,"type":`...)
	b = jsonscan.AppendString(b, e.Type)
	b = append(b, `,"param":`...)
	b = appendOptional(b, e.Param)
	b = append(b, `,"code":`...)
	b = appendOptional(b, e.Code)
	return append(b, `}}`...)
}

func appendOptional(b []byte, text string) []byte {
	if text == "" {
		return append(b, "null"...)
	}
	return jsonscan.AppendString(b, text)
}

func errorType(status int) string {
	switch status {
	case 401:
		return "authentication_error"
	case 403:
		return "permission_error"
	case 404:
		return "not_found_error"
	case 429:
		return "rate_limit_error"
	}
	if status >= 400 && status < 500 {
		return "invalid_request_error"
	}
	return "server_error"
}

// readError reads the value of an error member. It is an object at OpenAI and
// most others, a string at Ollama and xAI, an array of strings at Hugging Face's
// servers. It returns nil where the value
// states no error.
func readError(raw []byte) *llm.Error {
	if fold.IsNull(raw) {
		return nil
	}
	e := &llm.Error{Source: llm.SourceUpstream}
	switch raw[0] {
	case '"':
		e.Message = fold.String(raw)
	case '{':
		if readMembers(e, raw); e.Message == "" {
			e.Message = fold.Plain(0, raw).Message
		}
	case '[':
		e.Message = fold.Plain(0, raw).Message
	}
	if e.Message == "" {
		return nil
	}
	return e
}

func readMembers(e *llm.Error, raw []byte) {
	s := jsonscan.New(raw)
	for key := range s.Object() {
		switch string(key) {
		case "type":
			e.Type = fold.Word(s.Raw())
		case "message":
			e.Message = fold.Word(s.Raw())
		case "code":
			e.Code = fold.Word(s.Raw())
		case "param":
			e.Param = fold.Word(s.Raw())
		}
	}
}

// readBody reads the error that a whole object states: in its error member, or
// in its own members. xAI has the error as text and the code beside it; Cerebras,
// Mistral and old vLLM have the members of an error without the error around
// them; FastAPI servers have "detail"; and Gemini's endpoint of this format
// wraps the object in an array. It returns nil where there is none.
func readBody(raw []byte) *llm.Error {
	s := jsonscan.New(raw)
	if s.Kind() == jsonscan.Array {
		for range s.Array() {
			if e := readBody(s.Raw()); e != nil {
				return e
			}
		}
		return nil
	}
	var problem, detail, message []byte
	for key := range s.Object() {
		switch string(key) {
		case "error":
			problem = s.Raw()
		case "detail":
			detail = s.Raw()
		case "message":
			message = s.Raw()
		}
	}
	outer := llm.Error{Source: llm.SourceUpstream}
	readMembers(&outer, raw)
	if e := readError(problem); e != nil {
		if problem[0] != '"' {
			return e
		}
		if outer.Message != "" { // the error member is a word, such as "Unauthorized"
			outer.Type, e.Message = e.Message, outer.Message
		}
		e.Type, e.Code, e.Param = outer.Type, outer.Code, outer.Param
		return e
	}
	switch {
	case outer.Message != "":
	case !fold.IsNull(detail):
		if outer.Message = fold.Word(detail); outer.Message == "" {
			outer.Message = fold.Plain(0, detail).Message
		}
	case !fold.IsNull(message) && outer.Type+outer.Code != "": // Mistral's holds an object with details
		outer.Message = fold.Plain(0, message).Message
	default:
		return nil
	}
	return &outer
}
