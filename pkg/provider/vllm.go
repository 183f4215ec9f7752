package provider

import "net/http"

// vllmInvocations takes the bodies of the other APIs, chat completions among them,
// as SageMaker calls its models.
var vllmInvocations = Route{Method: http.MethodPost, Suffix: "/invocations", Whole: true, Format: chatFormat}

// Source: https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html,
// which lists the paths at the server's root.
var _ = register(Provider{
	Name:       "vllm",
	Title:      "vLLM",
	BaseURLVar: "ARCHESTRA_VLLM_BASE_URL",
	KeyVars:    []string{"ARCHESTRA_CHAT_VLLM_API_KEY"},
	Auth:       bearer(),
	Local:      true,
	Paths: Paths{
		Versions:    []string{"v1"},
		BaseVersion: "v1",
		Root:        []string{"tokenize", "detokenize", "health", "ping", "version", "metrics", "load", "server_info", "pooling", "classify", "invocations"},
	},
	Routes:     openAIRoutes(vllmInvocations),
	Default:    chatFormat,
	ModelsPath: "/models",
})
