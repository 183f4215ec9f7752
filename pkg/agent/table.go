package agent

// clients is the table: what each client really reads, as its source and its
// documents have it. Variables of the same name have the same value in all rows,
// so that one environment suits any program; the proxy makes good what clients
// add to a base URL.
var clients = []*Client{
	{
		// https://code.claude.com/docs/en/settings. The variables of settings.json win
		// over those of the environment, and --settings over both.
		Name: "claude-code", Title: "Claude Code",
		Commands: []string{"claude"}, Packages: []string{"@anthropic-ai/claude-code"},
		Variables: []Variable{{Name: "ANTHROPIC_BASE_URL", Provider: "anthropic"}},
		Clear:     []string{"CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT"},
		Arguments: claudeSettings,
		Configure: func(Site, Lookup) ([]Setting, []string) {
			// With a base URL that is not Anthropic's it leaves the search for MCP tools out.
			return []Setting{{Name: "ENABLE_TOOL_SEARCH", Value: "true"}}, nil
		},
		Header: &Header{Name: "ANTHROPIC_CUSTOM_HEADERS", Separator: "\n"},
		Limits: []string{
			"With CLAUDE_CODE_USE_BEDROCK or CLAUDE_CODE_USE_VERTEX it calls AWS or Google itself: requests to AWS are signed for their host (SigV4) and cannot be passed on.",
			"Its update checks and usage statistics go to Anthropic directly; CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 stops them.",
		},
	},
	{
		// codex-rs, config: -c takes TOML, and wins over config.toml. Its built-in
		// provider uses WebSockets whatever OPENAI_BASE_URL says; one that is configured
		// does not.
		Name: "codex", Title: "Codex CLI",
		Commands: []string{"codex"}, Packages: []string{"@openai/codex"},
		Arguments: codexArguments,
		Headers:   true,
		Limits: []string{
			"With a ChatGPT login its requests belong to chatgpt.com, which is no provider of archestra: log in with an API key or set OPENAI_API_KEY.",
			"Its plugin list, update check and statistics go out directly.",
		},
	},
	{
		// https://geminicli.com/docs/reference/configuration/
		Name: "gemini-cli", Title: "Gemini CLI",
		Commands: []string{"gemini"}, Packages: []string{"@google/gemini-cli"},
		Variables: []Variable{{Name: "GOOGLE_GEMINI_BASE_URL", Provider: "gemini"}, {Name: "GOOGLE_VERTEX_BASE_URL", Provider: "gemini", Vertex: true}},
		Header:    &Header{Name: "GEMINI_CLI_CUSTOM_HEADERS", Separator: ", "},
		Limits: []string{
			"A login with Google calls Code Assist (cloudcode-pa.googleapis.com), which is no provider of archestra: use GEMINI_API_KEY or Vertex AI.",
		},
	},
	{
		// https://opencode.ai/docs/config/: inline configuration wins over all files.
		Name: "opencode", Title: "opencode",
		Commands: []string{"opencode"}, Packages: []string{"opencode-ai"},
		Configure: opencodeConfig,
		Headers:   true,
		Limits: []string{
			"Providers beyond those of archestra (opencode Zen, GitHub Copilot, your own) keep their address.",
			"Its list of models comes from models.dev directly; OPENCODE_DISABLE_MODELS_FETCH=1 stops it.",
		},
	},
	{
		// The addresses of crush's catalogue (charm.land/catwalk) are placeholders for
		// these variables.
		Name: "crush", Title: "Crush",
		Commands: []string{"crush"}, Packages: []string{"@charmland/crush"},
		Variables: []Variable{
			{Name: "OPENAI_API_ENDPOINT", Provider: "openai"},
			{Name: "ANTHROPIC_API_ENDPOINT", Provider: "anthropic"},
			{Name: "GOOGLE_API_ENDPOINT", Provider: "gemini"},
			{Name: "GEMINI_API_ENDPOINT", Provider: "gemini"}, // its older name
		},
		Limits: []string{
			"Providers with a base_url in crush.json keep it, and so do those whose address its catalogue fixes (xAI, Cerebras): set their base_url by hand.",
			"Its update check and its catalogue are fetched directly.",
		},
	},
	{
		// https://aider.chat/docs/config/options.html and litellm, which aider calls with.
		// litellm prefers ANTHROPIC_API_BASE to ANTHROPIC_BASE_URL.
		Name: "aider", Title: "aider",
		Commands: []string{"aider"}, Packages: []string{"aider", "aider-chat"},
		Variables: []Variable{
			{Name: "AIDER_OPENAI_API_BASE", Provider: "openai"}, // wins over .aider.conf.yml
			{Name: "OPENAI_API_BASE", Provider: "openai"}, {Name: "OPENAI_BASE_URL", Provider: "openai"},
			{Name: "ANTHROPIC_API_BASE", Provider: "anthropic"}, {Name: "ANTHROPIC_BASE_URL", Provider: "anthropic"},
			{Name: "XAI_API_BASE", Provider: "xai"}, {Name: "CEREBRAS_API_BASE", Provider: "cerebras"},
			{Name: "OLLAMA_API_BASE", Provider: "ollama"},
		},
		Limits: []string{
			"Models of Gemini are called at Google's address: no variable for them is known to work in every version of litellm.",
			"Its version check and statistics go out directly.",
		},
	},
	{
		// https://github.com/openai/openai-python; the JavaScript and Go SDKs read the
		// same. OPENAI_API_BASE is the older spelling.
		Name: "openai-sdk", Title: "OpenAI SDKs",
		Variables: []Variable{{Name: "OPENAI_BASE_URL", Provider: "openai"}, {Name: "OPENAI_API_BASE", Provider: "openai"}},
		Limits: []string{
			"A base URL that is given in code wins over the variable.",
			"Azure OpenAI is no provider of archestra, and keeps its address.",
		},
	},
	{
		// https://github.com/anthropics/anthropic-sdk-python
		Name: "anthropic-sdk", Title: "Anthropic SDKs",
		Variables: []Variable{{Name: "ANTHROPIC_BASE_URL", Provider: "anthropic"}},
		Header:    &Header{Name: "ANTHROPIC_CUSTOM_HEADERS", Separator: "\n"},
		Limits: []string{
			"A base URL that is given in code wins over the variable.",
			"AnthropicBedrock signs requests for AWS's host (SigV4), and they cannot be passed on; AnthropicVertex calls Google itself.",
		},
	},
	{
		// https://github.com/googleapis/python-genai. The SDK adds /v1beta itself.
		Name: "google-genai", Title: "Google Gen AI SDKs",
		Variables: []Variable{{Name: "GOOGLE_GEMINI_BASE_URL", Provider: "gemini"}, {Name: "GOOGLE_VERTEX_BASE_URL", Provider: "gemini", Vertex: true}},
		Limits: []string{
			"The older google-generativeai package reads no variable, and speaks gRPC: it cannot be captured.",
		},
	},
	{
		// https://ai-sdk.dev/providers. Its Anthropic provider adds /messages alone, which
		// the proxy completes.
		Name: "ai-sdk", Title: "Vercel AI SDK",
		Variables: []Variable{{Name: "OPENAI_BASE_URL", Provider: "openai"}, {Name: "ANTHROPIC_BASE_URL", Provider: "anthropic"}},
		Limits: []string{
			"Its providers for Google, xAI and Cerebras read no variable: give baseURL in code.",
			"A model that is named by a string goes to Vercel's AI Gateway, which is no provider of archestra.",
		},
	},
	{
		// https://python.langchain.com/api_reference: langchain-openai, langchain-anthropic.
		Name: "langchain", Title: "LangChain",
		Variables: []Variable{
			{Name: "OPENAI_API_BASE", Provider: "openai"}, {Name: "OPENAI_BASE_URL", Provider: "openai"},
			{Name: "ANTHROPIC_API_URL", Provider: "anthropic"}, {Name: "ANTHROPIC_BASE_URL", Provider: "anthropic"},
			{Name: "OLLAMA_HOST", Provider: "ollama"},
		},
		Limits: []string{
			"LangSmith's traces go out directly.",
		},
	},
	{
		// https://github.com/run-llama/llama_index: it reads OPENAI_API_BASE alone, and
		// passes what it found to the SDK.
		Name: "llamaindex", Title: "LlamaIndex",
		Variables: []Variable{{Name: "OPENAI_API_BASE", Provider: "openai"}, {Name: "ANTHROPIC_BASE_URL", Provider: "anthropic"}},
		Limits: []string{
			"Of its classes for other providers it is not known which read a variable: give api_base in code.",
		},
	},
	{
		// https://ai.pydantic.dev/models/: the SDKs' variables, and one for Ollama.
		Name: "pydantic-ai", Title: "Pydantic AI",
		Variables: []Variable{
			{Name: "OPENAI_BASE_URL", Provider: "openai"}, {Name: "ANTHROPIC_BASE_URL", Provider: "anthropic"},
			{Name: "GOOGLE_GEMINI_BASE_URL", Provider: "gemini"}, {Name: "OLLAMA_BASE_URL", Provider: "ollama"},
		},
		Limits: []string{
			"Its xAI models speak gRPC, which archestra does not pass on: they cannot be captured.",
		},
	},
	{
		// https://docs.ollama.com/faq. The clients keep a path behind the host, and add
		// /api/chat to it.
		Name: "ollama", Title: "Ollama clients",
		Commands:  []string{"ollama"},
		Variables: []Variable{{Name: "OLLAMA_HOST", Provider: "ollama"}},
		Limits: []string{
			"ollama serve takes OLLAMA_HOST for the address to listen on: do not start the server through archestra.",
		},
	},
	{
		Name: "cerebras-sdk", Title: "Cerebras SDKs", // https://github.com/Cerebras/cerebras-cloud-sdk-python
		Variables: []Variable{{Name: "CEREBRAS_BASE_URL", Provider: "cerebras"}},
	},
}

// outside are commands that no setting points at a proxy.
var outside = map[string]string{
	"cursor":       "Cursor's requests leave from Cursor's own servers, which cannot reach this machine.",
	"cursor-agent": "cursor-agent has no setting for a base URL: its requests go to Cursor's servers.",
	"code":         "Editors keep running in a process that was there before: start them anew, and set the base URL in the extension's own settings.",
}
