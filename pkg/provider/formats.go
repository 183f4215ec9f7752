package provider

import (
	"github.com/archestra-ai/archestra-cli/pkg/wire/anthropic"
	"github.com/archestra-ai/archestra-cli/pkg/wire/gemini"
	"github.com/archestra-ai/archestra-cli/pkg/wire/ollama"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openaichat"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openairesponses"
)

// The formats that providers speak.
var (
	chatFormat      = openaichat.New()
	responsesFormat = openairesponses.New()
	messagesFormat  = anthropic.New()
	geminiFormat    = gemini.New()
	ollamaChat      = ollama.Chat()
	ollamaGenerate  = ollama.Generate()
)
