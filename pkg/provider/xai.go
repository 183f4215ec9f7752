package provider

// Source: https://docs.x.ai/docs/api-reference.
var _ = register(Provider{
	Name:       "xai",
	Title:      "xAI",
	BaseURL:    "https://api.x.ai/v1",
	BaseURLVar: "ARCHESTRA_XAI_BASE_URL",
	KeyVars:    []string{"ARCHESTRA_CHAT_XAI_API_KEY", "XAI_API_KEY"},
	Auth:       bearer("xai-"),
	Paths:      openAIPaths,
	Routes:     []Route{chatRoute, responsesRoute, messagesRoute},
	Default:    chatFormat,
})
