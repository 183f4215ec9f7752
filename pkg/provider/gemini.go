package provider

import (
	"net/http"
	"strings"
)

// Sources: https://ai.google.dev/api/generate-content,
// https://ai.google.dev/gemini-api/docs/openai, and for models of Anthropic on
// Vertex AI https://platform.claude.com/docs/en/api/claude-on-vertex-ai.
var _ = register(Provider{
	Name:       "gemini",
	Title:      "Google Gemini",
	BaseURL:    "https://generativelanguage.googleapis.com",
	BaseURLVar: "ARCHESTRA_GEMINI_BASE_URL",
	KeyVars:    []string{"ARCHESTRA_CHAT_GEMINI_API_KEY"},
	Auth: Auth{
		Header:   "X-Goog-Api-Key",
		Instead:  []Alternative{{Header: "Authorization", Accept: googleBearer}},
		Query:    []string{"key", "access_token"},
		Prefixes: googlePrefixes,
	},
	ClientSuffix: "/v1beta",
	Paths: Paths{
		Versions: []string{"v1", "v1alpha", "v1beta", "v1beta1", "v1beta2", "v1beta3"},
		Kept:     true,
		Version:  "v1beta",
		Words: []string{
			"models", "tunedModels", "cachedContents", "files", "corpora", "batches", "operations", "fileSearchStores",
			"generatedFiles", "interactions", "dynamic", "openai", "projects", "publishers",
		},
		Bare: []string{"upload", "download", "ws"},
	},
	Routes: []Route{
		{Method: http.MethodPost, Suffix: ":generateContent", Format: geminiFormat, ModelInPath: true},
		{Method: http.MethodPost, Suffix: ":streamGenerateContent", Format: geminiFormat, ModelInPath: true, Streams: true},
		{Method: http.MethodPost, Suffix: ":rawPredict", Within: "/publishers/anthropic/", Format: messagesFormat, ModelInPath: true},
		{Method: http.MethodPost, Suffix: ":streamRawPredict", Within: "/publishers/anthropic/", Format: messagesFormat, ModelInPath: true, Streams: true},
		// Models of other publishers, and those that are deployed at endpoints, take
		// chat completions there.
		{Method: http.MethodPost, Suffix: ":rawPredict", Format: chatFormat, ModelInPath: true},
		{Method: http.MethodPost, Suffix: ":streamRawPredict", Format: chatFormat, ModelInPath: true, Streams: true},
		chatRoute, // at /openai of Gemini's own API, at /endpoints/{id} of Vertex AI
	},
	Default: geminiFormat,
	Vertex:  true,
})

// googlePrefixes begin Google's API keys, old and new, and access tokens.
var googlePrefixes = []string{"AIza", "AQ.", "ya29."}

// googleBearer tells an Authorization that is Google's by its form: an API key,
// as the OpenAI-compatible endpoint takes it, or an access token.
func googleBearer(v string) bool {
	scheme, token, _ := strings.Cut(v, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return false
	}
	for _, prefix := range googlePrefixes {
		if strings.HasPrefix(token, prefix) {
			return true
		}
	}
	return false
}
