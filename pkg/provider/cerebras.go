package provider

// Source: https://inference-docs.cerebras.ai/api-reference/chat-completions.
var _ = register(Provider{
	Name:       "cerebras",
	Title:      "Cerebras",
	BaseURL:    "https://api.cerebras.ai/v1",
	BaseURLVar: "ARCHESTRA_CEREBRAS_BASE_URL",
	KeyVars:    []string{"ARCHESTRA_CHAT_CEREBRAS_API_KEY"},
	Auth:       bearer("csk-"),
	Paths:      openAIPaths,
	Routes:     openAIRoutes(),
	Default:    chatFormat,
})
