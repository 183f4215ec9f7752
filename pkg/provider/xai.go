package provider

import "net/http"

// chatDeferred fetches a chat completion that was asked for with "deferred".
// Source: https://docs.x.ai/docs/guides/deferred-chat-completions.
var chatDeferred = Route{Method: http.MethodGet, Suffix: "/chat/deferred-completion/{id}", Format: chatFormat}

// Source: https://docs.x.ai/docs/api-reference.
var _ = register(Provider{
	Name:       "xai",
	Title:      "xAI",
	BaseURL:    "https://api.x.ai/v1",
	BaseURLVar: "ARCHESTRA_XAI_BASE_URL",
	KeyVars:    []string{"ARCHESTRA_CHAT_XAI_API_KEY", "XAI_API_KEY"},
	Auth:       bearer("xai-"),
	Paths:      openAIPaths,
	Routes:     openAIRoutes(chatDeferred),
	Default:    chatFormat,
})
