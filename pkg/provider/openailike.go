package provider

import "net/http"

// Most providers speak OpenAI's APIs below a base URL that ends in /v1.
// Sources: https://platform.openai.com/docs/api-reference and, for the versions
// that clients leave out or write twice, the clients themselves.
var (
	openAIPaths = Paths{Versions: []string{"v1"}}

	chatRoute      = Route{Method: http.MethodPost, Suffix: "/chat/completions", Format: chatFormat}
	responsesRoute = Route{Method: http.MethodPost, Suffix: "/responses", Format: responsesFormat}
	// A path of OpenAI's assistants also ends in /messages: only the whole path
	// is Anthropic's API.
	messagesRoute = Route{Method: http.MethodPost, Suffix: "/messages", Whole: true, Format: messagesFormat}
)

// bearer is the usual way to send a key.
func bearer(prefixes ...string) Auth {
	return Auth{Header: "Authorization", Prefix: "Bearer ", Prefixes: prefixes}
}
