package provider

import (
	"net/http"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
)

// Error is a request that goes to no upstream, and the answer to it.
type Error struct {
	Status  int
	Code    string // for programs, such as unknown_provider
	Message string // for people; holds nothing that a client sent but plain words
	// BasePath is the path of the base URL that would be right, or "".
	BasePath string
	// Format shapes the answer; never nil on errors that this package returns
	// from Resolve, Upstream and Authorize.
	Format wire.Format
	err    error
}

// Error is the message.
func (e *Error) Error() string {
	if e.err != nil {
		return e.Message + ": " + e.err.Error()
	}
	return e.Message
}

// Unwrap returns the cause, which may name files and addresses and is for the log.
func (e *Error) Unwrap() error { return e.err }

// LLM is the error as it is recorded and answered. origin is archestra's own
// address as the client knows it, such as http://localhost:9000.
func (e *Error) LLM(origin string) llm.Error {
	message := e.Message
	if e.BasePath != "" {
		message = strings.TrimSpace(message + " The base URL to use is " + origin + e.BasePath + ".")
	}
	return llm.Error{Source: llm.SourceArchestra, Type: ErrorType(e.Status), Code: e.Code, Message: message}
}

// ErrorType names a status in the words that OpenAI's and Anthropic's errors
// have in common. Gemini's errors name the status by their own words.
func ErrorType(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "authentication_error"
	case http.StatusForbidden:
		return "permission_error"
	case http.StatusNotFound:
		return "not_found_error"
	case http.StatusRequestEntityTooLarge:
		return "request_too_large"
	case http.StatusTooManyRequests:
		return "rate_limit_error"
	}
	if status >= 500 {
		return "api_error"
	}
	return "invalid_request_error"
}

// Wrap makes an Error of a cause that is for the log and not for the client.
func Wrap(cause error, status int, code string, f wire.Format, message string) *Error {
	return &Error{Status: status, Code: code, Format: f, Message: message, err: cause}
}
