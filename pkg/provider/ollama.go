package provider

import "net/http"

// Sources: https://docs.ollama.com/api for the native API at the server's root,
// https://docs.ollama.com/api/openai-compatibility for the rest.
var _ = register(Provider{
	Name:       "ollama",
	Title:      "Ollama",
	BaseURLVar: "ARCHESTRA_OLLAMA_BASE_URL",
	KeyVars:    []string{"ARCHESTRA_CHAT_OLLAMA_API_KEY"},
	Auth:       bearer(),
	Local:      true,
	Paths:      Paths{Versions: []string{"v1"}, BaseVersion: "v1", Root: []string{"api"}},
	Routes: openAIRoutes(
		Route{Method: http.MethodPost, Suffix: "/api/chat", Format: ollamaChat},
		Route{Method: http.MethodPost, Suffix: "/api/generate", Format: ollamaGenerate},
	),
	Default:    chatFormat,
	ModelsPath: "/models",
})
