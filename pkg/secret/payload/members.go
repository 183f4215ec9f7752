package payload

import "github.com/archestra-ai/archestra-cli/pkg/secret"

const (
	// shortest is how long a string must be to be looked at. No rule is shorter.
	shortest = secret.MinKnown
	// longName is how long the name of a member must be. What people and schemas
	// call things is shorter, or costs little.
	longName = 16
)

// isKept tells that a string of this name is left alone, because a provider
// reads it by its exact bytes: with a placeholder the request would fail, or
// mean something else. None of them is for people's text. Inside of data (see
// isData) names mean nothing to a provider, and all strings are looked at.
func isKept(name []byte) bool {
	switch string(name) {
	case "id", "call_id", "tool_use_id", "tool_call_id", "item_id", "message_id", "file_id", "container_id",
		"previous_response_id", "response_id", "conversation_id", "thread_id", "assistant_id", "vector_store_id", "custom_id":
		return true // what one message says of another, or of an object that the provider holds
	case "name", "tool_name", "type", "role", "model", "object", "status", "format", "media_type", "mime_type", "mimeType":
		return true // words of the protocol, and the names by which tools are called
	case "signature", "thoughtSignature", "thought_signature", "encrypted_content", "encrypted_index", "encrypted_stdout":
		return true // made by the provider, for itself: a changed one is refused
	case "url", "image_url", "file_url", "file_uri", "fileUri", "server_url":
		return true // fetched by the provider: a signed URL is worth nothing without its key's name
	case "authorization", "authorization_token":
		return true // given to the provider on purpose, to reach a tool's server
	}
	return false
}

// isGiven tells that an object of this name holds what the provider needs to log
// in elsewhere for the client: it is given on purpose.
func isGiven(name []byte) bool {
	switch string(name) {
	case "headers", "authentication":
		return true // of MCP servers (responses), of data sources (Azure)
	}
	return false
}

// isData tells that an object of this name holds what a tool takes or gives, in
// names that the tool has chosen: tool_use (messages), functionCall and
// functionResponse (generateContent), tool_calls (Ollama), tools/call (MCP).
func isData(name []byte) bool {
	switch string(name) {
	case "input", "args", "arguments", "response", "structuredContent":
		return true
	}
	return false
}
