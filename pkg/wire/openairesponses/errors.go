package openairesponses

import (
	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
)

// Error implements wire.Format: an object with all four members, as OpenAI
// sends it. An error without a type gets the one that goes with the status.
func (format) Error(status int, e llm.Error) []byte {
	if e.Type == "" {
		e.Type = errorType(status)
	}
	b := append([]byte(`{"error":`), appendError(nil, e)...)
	return append(b, '}')
}

// StreamError implements wire.Format. It writes the two events that OpenAI ends
// a failed stream with: the SDKs raise the first, and Codex, which does not look
// at it, ends its turn with the second instead of asking again.
func (format) StreamError(_ string, e llm.Error) []byte {
	if e.Type == "" {
		e.Type = "server_error"
	}
	b := []byte("event: error\ndata: {\"type\":\"error\",\"sequence_number\":0,\"error\":")
	b = appendError(b, e)
	b = append(b, "}\n\nevent: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":1,"+
		"\"response\":{\"id\":\"\",\"object\":\"response\",\"status\":\"failed\",\"error\":{\"code\":"...)
	code := e.Code
	if code == "" {
		code = e.Type
	}
	b = jsonscan.AppendString(b, code)
	b = append(b, `,"message":`...)
	b = jsonscan.AppendString(b, e.Message)
	return append(b, "},\"incomplete_details\":null,\"output\":[],\"usage\":null}}\n\n"...)
}

func appendError(b []byte, e llm.Error) []byte {
	b = append(b, `{"message":`...)
	b = jsonscan.AppendString(b, e.Message)
	b = append(b, `,"type":`...)
	b = jsonscan.AppendString(b, e.Type)
	b = append(b, `,"param":`...)
	b = appendOptional(b, e.Param)
	b = append(b, `,"code":`...)
	b = appendOptional(b, e.Code)
	return append(b, '}')
}

func appendOptional(b []byte, text string) []byte {
	if text == "" {
		return append(b, "null"...)
	}
	return jsonscan.AppendString(b, text)
}

func errorType(status int) string {
	switch {
	case status == 401:
		return "authentication_error"
	case status == 403:
		return "permission_error"
	case status == 429:
		return "rate_limit_error"
	case status >= 400 && status < 500:
		return "invalid_request_error"
	}
	return "server_error"
}

// readError reads an error that stands in one of these shapes, and returns nil
// if there is none: an object {type, code, message, param} (OpenAI, Azure); a
// string, beside which a code may stand (xAI).
func readError(problem, code []byte) *llm.Error {
	if fold.IsNull(problem) {
		return nil
	}
	e := &llm.Error{Source: llm.SourceUpstream}
	if problem[0] != '{' {
		e.Message, e.Code = fold.Word(problem), fold.Word(code)
		return e
	}
	s := jsonscan.New(problem)
	for key := range s.Object() {
		switch string(key) {
		case "type":
			e.Type = s.Text()
		case "code":
			e.Code = fold.Word(s.Raw())
		case "message":
			e.Message = s.Text()
		case "param":
			e.Param = s.Text()
		case "detail": // FastAPI's, from servers of our own kind
			if text := s.Text(); e.Message == "" {
				e.Message = text
			}
		}
	}
	return e
}
