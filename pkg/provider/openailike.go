package provider

import "net/http"

// Most providers speak OpenAI's APIs below a base URL that ends in /v1.
// Sources: https://platform.openai.com/docs/api-reference and, for the versions
// that clients leave out or write twice, the clients themselves.
var (
	openAIPaths = Paths{Versions: []string{"v1"}}

	chatRoute      = Route{Method: http.MethodPost, Suffix: "/chat/completions", Format: chatFormat}
	responsesRoute = Route{Method: http.MethodPost, Suffix: "/responses", Format: responsesFormat}
	// What the provider keeps comes again, or for the first time where the run was
	// in the background; a compaction's output goes into the next request.
	// Sources: https://platform.openai.com/docs/guides/background and the references
	// of /responses and /chat/completions.
	responsesKept    = Route{Method: http.MethodGet, Suffix: "/responses/{id}", Format: responsesFormat}
	responsesCancel  = Route{Method: http.MethodPost, Suffix: "/responses/{id}/cancel", Format: responsesFormat}
	responsesCompact = Route{Method: http.MethodPost, Suffix: "/responses/compact", Format: responsesFormat}
	chatKept         = Route{Method: http.MethodGet, Suffix: "/chat/completions/{id}", Format: chatFormat}
	chatUpdated      = Route{Method: http.MethodPost, Suffix: "/chat/completions/{id}", Format: chatFormat}

	// A path of OpenAI's assistants also ends in /messages: only the whole path
	// is Anthropic's API.
	messagesRoute = Route{Method: http.MethodPost, Suffix: "/messages", Whole: true, Format: messagesFormat}
)

// openAIRoutes are the APIs of OpenAI's that others speak too.
func openAIRoutes(more ...Route) []Route {
	return append([]Route{chatRoute, responsesRoute, messagesRoute, responsesKept, responsesCancel, responsesCompact}, more...)
}

// bearer is the usual way to send a key.
func bearer(prefixes ...string) Auth {
	return Auth{Header: "Authorization", Prefix: "Bearer ", Prefixes: prefixes}
}
