package simulate

import (
	"net/http"
	"slices"
	"strings"
)

// endpoint says what a path asks for.
type endpoint int

const (
	endpointUnknown endpoint = iota
	endpointAnswer           // the format says which
	endpointCount            // tokens of a request, not answered
	endpointModels
	endpointModel
	endpointEmbeddings
	endpointFiles
	endpointResponse // one that is kept
	endpointRealtime
	endpointEcho
	endpointGoogle
	endpointHealth
)

// target is a request's path, understood.
type target struct {
	provider string
	endpoint endpoint
	format   Format
	arg      string // a model, an id, or the rest of the path
	method   string // Gemini's, after the colon
}

var providers = []string{OpenAI, Anthropic, Gemini, Vertex, Cerebras, XAI, VLLM, Ollama}

func isVersion(s string) bool {
	return s == "v1" || s == "v1alpha" || s == "v1beta" || s == "v1beta1"
}

// route reads the path: an optional provider, optional versions, the API.
func route(r *http.Request) target {
	path := strings.Trim(r.URL.Path, "/")
	segments := strings.FieldsFunc(path, func(c rune) bool { return c == '/' })
	if len(segments) > 0 && (segments[0] == "google" || segments[0] == "computeMetadata") {
		return target{provider: Vertex, endpoint: endpointGoogle, arg: path}
	}
	var t target
	guess := OpenAI
	if r.Header.Get("Anthropic-Version") != "" {
		guess = Anthropic
	}
	for len(segments) > 0 {
		s := segments[0]
		switch {
		case t.provider == "" && slices.Contains(providers, s):
			t.provider = s
		case s == "openai" && t.provider != "": // a provider's imitation of OpenAI
		case isVersion(s):
			if s != "v1" {
				guess = Gemini
			}
		default:
			t.match(segments, &guess)
			if t.provider == "" {
				t.provider = guess
			}
			return t
		}
		segments = segments[1:]
	}
	if t.provider == "" {
		t.provider = guess
	}
	t.endpoint = endpointHealth
	return t
}

// match reads the path behind provider and version.
func (t *target) match(segments []string, guess *string) {
	t.arg = strings.Join(segments[1:], "/")
	answer := func(f Format, provider string) {
		t.endpoint, t.format, *guess = endpointAnswer, f, provider
	}
	switch head := segments[0]; {
	case head == "chat" && t.arg == "completions":
		answer(ChatCompletions, *guess)
	case head == "responses" && t.arg == "":
		answer(Responses, *guess)
	case head == "responses" && t.arg == "input_tokens":
		t.endpoint, t.format = endpointCount, Responses
	case head == "responses":
		t.endpoint, t.format = endpointResponse, Responses
	case head == "messages" && t.arg == "":
		answer(Messages, Anthropic)
	case head == "messages" && t.arg == "count_tokens":
		t.endpoint, t.format, *guess = endpointCount, Messages, Anthropic
	case head == "api" && t.arg == "chat":
		answer(OllamaChat, Ollama)
	case head == "api" && t.arg == "generate":
		answer(OllamaGenerate, Ollama)
	case head == "api" && (t.arg == "tags" || t.arg == "version" || t.arg == "show"):
		t.endpoint, *guess = endpointModels, Ollama
	case head == "models" && t.arg == "":
		t.endpoint = endpointModels
	case head == "models" && strings.Contains(t.arg, ":"):
		*guess = Gemini
		t.googleMethod(t.arg)
	case head == "models":
		t.endpoint = endpointModel
	case head == "projects":
		*guess = Vertex
		if i := slices.Index(segments, "models"); i >= 0 {
			t.googleMethod(strings.Join(segments[i+1:], "/"))
		} else if strings.HasSuffix(t.arg, ":generateAccessToken") {
			t.endpoint = endpointGoogle
		}
	case head == "embeddings" && t.arg == "":
		t.endpoint = endpointEmbeddings
	case head == "files":
		t.endpoint = endpointFiles
	case head == "realtime" && t.arg == "":
		t.endpoint = endpointRealtime
	case head == "echo":
		t.endpoint = endpointEcho
	case head == "health" && t.arg == "":
		t.endpoint = endpointHealth
	}
}

// googleMethod reads model:method.
func (t *target) googleMethod(s string) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		t.endpoint, t.arg = endpointModel, s
		return
	}
	t.arg, t.method = s[:i], s[i+1:]
	switch t.method {
	case "generateContent", "streamGenerateContent":
		t.endpoint, t.format = endpointAnswer, GenerateContent
	case "rawPredict", "streamRawPredict": // Claude on Vertex AI
		t.endpoint, t.format = endpointAnswer, Messages
	case "countTokens":
		t.endpoint, t.format = endpointCount, GenerateContent
	case "embedContent", "batchEmbedContents", "predict":
		t.endpoint, t.format = endpointEmbeddings, GenerateContent
	}
}
