package anthropic

import (
	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
)

// Error implements wire.Format. An error without a type gets the one that the
// API reference's section "Errors" gives for the status.
func (format) Error(status int, e llm.Error) []byte {
	if e.Type == "" {
		e.Type = errorType(status)
	}
	return appendError(nil, e)
}

// StreamError implements wire.Format. An error event may come in the middle of
// a stream; SDKs raise it.
func (format) StreamError(_ string, e llm.Error) []byte {
	if e.Type == "" {
		e.Type = "api_error"
	}
	b := append([]byte("event: error\ndata: "), appendError(nil, e)...)
	return append(b, "\n\n"...)
}

func appendError(b []byte, e llm.Error) []byte {
	b = append(b, `{"type":"error","error":{"type":`...)
	b = jsonscan.AppendString(b, e.Type)
	b = append(b, `,"message":`...)
	b = jsonscan.AppendString(b, e.Message)
	return append(b, `}}`...)
}

func errorType(status int) string {
	switch status {
	case 401:
		return "authentication_error"
	case 402:
		return "billing_error"
	case 403:
		return "permission_error"
	case 404:
		return "not_found_error"
	case 413:
		return "request_too_large"
	case 429:
		return "rate_limit_error"
	case 504:
		return "timeout_error"
	case 529:
		return "overloaded_error"
	}
	if status >= 400 && status < 500 {
		return "invalid_request_error"
	}
	return "api_error"
}

// readError reads the value of an error member: an object, or a string from
// servers that only speak the format. It returns nil for null.
func readError(raw []byte) *llm.Error {
	if fold.IsNull(raw) {
		return nil
	}
	e := &llm.Error{Source: llm.SourceUpstream}
	if raw[0] == '"' {
		e.Message = fold.String(raw)
		return e
	}
	s := jsonscan.New(raw)
	for key := range s.Object() {
		switch string(key) {
		case "type":
			e.Type = s.Text()
		case "message":
			e.Message = s.Text()
		case "code":
			e.Code = fold.Word(s.Raw())
		case "param":
			e.Param = s.Text()
		}
	}
	return e
}
