package gemini

import (
	"strconv"

	"github.com/archestra-ai/archestra-cli/pkg/jsonscan"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/wire/internal/fold"
)

// Error implements wire.Format. The status is the google.rpc.Code that goes with
// the HTTP status, since clients know no other; the error's own code, or type
// where it has none, becomes the reason of a google.rpc.ErrorInfo.
func (format) Error(status int, e llm.Error) []byte {
	return append(appendError(nil, status, e), '\n')
}

// StreamError implements wire.Format. Among server-sent events it is an event,
// which the SDKs raise; in a growing array, of which an element has been sent
// already, it is one more element and the closing bracket.
func (format) StreamError(contentType string, e llm.Error) []byte {
	status := httpStatus(e.Type)
	if status == unknownStatus {
		status = 500
	}
	if mediaType(contentType) == "text/event-stream" {
		return append(appendError([]byte("data: "), status, e), "\n\n"...)
	}
	return append(appendError([]byte("\n,\n"), status, e), "\n]\n"...)
}

func appendError(b []byte, status int, e llm.Error) []byte {
	name := e.Type
	if httpStatus(name) == unknownStatus {
		name = statusName(status)
	}
	b = append(b, `{"error":{"code":`...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, `,"message":`...)
	b = jsonscan.AppendString(b, e.Message)
	b = append(b, `,"status":`...)
	b = jsonscan.AppendString(b, name)
	reason := e.Code
	if reason == "" && e.Type != name {
		reason = e.Type
	}
	if reason != "" {
		b = append(b, `,"details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":`...)
		b = jsonscan.AppendString(b, reason)
		b = append(b, `,"domain":"archestra"}]`...)
	}
	return append(b, "}}"...)
}

// codes are the HTTP statuses of google.rpc.Code, as google/rpc/code.proto gives
// them; the first of a status is the usual one.
var codes = []struct {
	status int
	name   string
}{
	{400, "INVALID_ARGUMENT"},
	{400, "FAILED_PRECONDITION"},
	{400, "OUT_OF_RANGE"},
	{401, "UNAUTHENTICATED"},
	{403, "PERMISSION_DENIED"},
	{404, "NOT_FOUND"},
	{409, "ABORTED"},
	{409, "ALREADY_EXISTS"},
	{429, "RESOURCE_EXHAUSTED"},
	{499, "CANCELLED"},
	{500, "INTERNAL"},
	{500, "UNKNOWN"},
	{500, "DATA_LOSS"},
	{501, "UNIMPLEMENTED"},
	{503, "UNAVAILABLE"},
	{504, "DEADLINE_EXCEEDED"},
}

func statusName(status int) string {
	for _, c := range codes {
		if c.status == status {
			return c.name
		}
	}
	if status >= 400 && status < 500 {
		return "INVALID_ARGUMENT"
	}
	return "INTERNAL"
}

// unknownStatus is that of a name which is not one of google.rpc.Code.
const unknownStatus = 0

func httpStatus(name string) int {
	for _, c := range codes {
		if c.name == name {
			return c.status
		}
	}
	return unknownStatus
}

// readError reads the value of an error member: a google.rpc.Status with its
// code as an HTTP status.
func readError(raw []byte) *llm.Error {
	if fold.IsNull(raw) {
		return nil
	}
	e := &llm.Error{Source: llm.SourceUpstream}
	if raw[0] != '{' {
		e.Message = fold.Word(raw)
		return e
	}
	s := jsonscan.New(raw)
	for key := range s.Object() {
		switch string(key) {
		case "code":
			e.Code = fold.Word(s.Raw())
		case "message":
			e.Message = s.Text()
		case "status":
			e.Type = s.Text()
		}
	}
	return e
}
