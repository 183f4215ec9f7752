package provider

// Source: https://platform.openai.com/docs/api-reference/authentication.
var _ = register(Provider{
	Name:       "openai",
	Title:      "OpenAI",
	BaseURL:    "https://api.openai.com/v1",
	BaseURLVar: "ARCHESTRA_OPENAI_BASE_URL",
	KeyVars:    []string{"ARCHESTRA_CHAT_OPENAI_API_KEY"},
	Auth: Auth{
		Header: "Authorization", Prefix: "Bearer ", Prefixes: []string{"sk-"},
		// Source: https://platform.openai.com/docs/guides/realtime-websocket.
		Protocol: "openai-insecure-api-key.",
		// Azure OpenAI, reached by an overridden base URL.
		Instead: []Alternative{{Header: "Api-Key", Accept: azureKey}},
	},
	Paths:   openAIPaths,
	Routes:  openAIRoutes(chatKept, chatUpdated),
	Default: chatFormat,
})

// azureKey tells a key of Azure OpenAI by its form: 32 hexadecimal digits, or 84
// letters and digits.
func azureKey(v string) bool {
	if len(v) != 32 && len(v) != 84 {
		return false
	}
	for i := range len(v) {
		c := v[i]
		digit := '0' <= c && c <= '9'
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if len(v) == 32 {
			letter = 'a' <= c|0x20 && c|0x20 <= 'f'
		}
		if !digit && !letter {
			return false
		}
	}
	return true
}
