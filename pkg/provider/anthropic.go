package provider

import "net/http"

// Sources: https://platform.claude.com/docs/en/api/overview. Claude Code's OAuth
// login and newer SDKs send Authorization: Bearer instead of x-api-key.
var _ = register(Provider{
	Name:       "anthropic",
	Title:      "Anthropic",
	BaseURL:    "https://api.anthropic.com",
	BaseURLVar: "ARCHESTRA_ANTHROPIC_BASE_URL",
	KeyVars:    []string{"ARCHESTRA_CHAT_ANTHROPIC_API_KEY"},
	Auth:       Auth{Header: "X-Api-Key", Also: []string{"Authorization"}, Prefixes: []string{"sk-ant-"}},
	Paths: Paths{
		Versions: []string{"v1"},
		Kept:     true,
		Version:  "v1",
		Words:    []string{"messages", "models", "complete", "files", "skills", "organizations"},
	},
	Routes: []Route{
		{Method: http.MethodPost, Suffix: "/messages", Format: messagesFormat},
		chatRoute, // Anthropic's own OpenAI-compatible endpoint
	},
	Default: messagesFormat,
})
