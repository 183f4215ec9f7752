package simulate

import (
	"net/http"
	"strings"
)

// problem is an error on its way into a provider's shape.
type problem struct {
	Failure
	requestID string
	model     string
	// missingKey tells a 401 where no key came from one where a wrong one did.
	missingKey bool
	key        string
}

// errorShape writes a problem as a body, and sets the headers that go with it.
type errorShape func(p problem, h http.Header) []byte

// shapeOf returns the shape in which a provider tells errors on an API: those of
// one format that many servers imitate follow the format.
func shapeOf(provider string, format Format) errorShape {
	switch {
	case format == Messages || provider == Anthropic:
		return anthropicError
	case provider == Gemini || provider == Vertex:
		return googleError
	case provider == XAI:
		return xaiError
	case provider == Cerebras:
		return cerebrasError
	case provider == VLLM:
		return vllmError
	case format == OllamaChat || format == OllamaGenerate:
		return ollamaError
	case provider == Ollama:
		return ollamaCompatError
	}
	return openaiError
}

// usual are the words of a provider for a status.
type usual struct{ typ, code, message string }

func (p problem) in(table map[int]usual, fallback usual) usual {
	u, ok := table[p.Status]
	if !ok {
		u = fallback
	}
	if p.Message != "" {
		u.message = p.Message
	}
	if p.Type != "" {
		u.typ = p.Type
	}
	if p.Code != "" {
		u.code = p.Code
	}
	return u
}

// orNull writes an absent code as null.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// openaiError: platform.openai.com/docs/guides/error-codes.
func openaiError(p problem, h http.Header) []byte {
	unknown := "The model `" + p.model + "` does not exist or you do not have access to it."
	wrongKey := "Incorrect API key provided: " + masked(p.key) + ". You can find your API key at https://platform.openai.com/account/api-keys."
	if p.missingKey {
		wrongKey = "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
	}
	keyCode := "invalid_api_key"
	if p.missingKey {
		keyCode = ""
	}
	u := p.in(map[int]usual{
		400: {"invalid_request_error", "invalid_value", "Invalid request."},
		401: {"invalid_request_error", keyCode, wrongKey},
		403: {"invalid_request_error", "unsupported_country_region_territory", "Country, region, or territory not supported"},
		404: {"invalid_request_error", "model_not_found", unknown},
		413: {"invalid_request_error", "request_too_large", "The request body is too large."},
		429: {"requests", "rate_limit_exceeded", "Rate limit reached for " + p.model + " on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s."},
		500: {"server_error", "", "The server had an error while processing your request. Sorry about that!"},
		503: {"server_error", "", "The engine is currently overloaded, please try again later"},
	}, usual{"server_error", "", http.StatusText(p.Status)})
	if p.Status == http.StatusTooManyRequests {
		h.Set("Retry-After", "20")
		h.Set("Retry-After-Ms", "20000")
		h.Set("X-Ratelimit-Limit-Requests", "3")
		h.Set("X-Ratelimit-Remaining-Requests", "0")
		h.Set("X-Ratelimit-Reset-Requests", "20s")
	}
	return indented(object{"error", object{
		"message", u.message, "type", u.typ, "param", nil, "code", orNull(u.code),
	}})
}

// anthropicError: docs.claude.com/en/api/errors.
func anthropicError(p problem, h http.Header) []byte {
	u := p.in(map[int]usual{
		400: {"invalid_request_error", "", "messages: Field required"},
		401: {"authentication_error", "", "invalid x-api-key"},
		403: {"permission_error", "", "Your API key does not have permission to use the specified resource."},
		404: {"not_found_error", "", "model: " + p.model},
		413: {"request_too_large", "", "Request exceeds the maximum size"},
		429: {"rate_limit_error", "", "This request would exceed your organization's rate limit of 50 requests per minute."},
		500: {"api_error", "", "Internal server error"},
		504: {"timeout_error", "", "Request timed out"},
		529: {"overloaded_error", "", "Overloaded"},
	}, usual{"api_error", "", http.StatusText(p.Status)})
	if p.missingKey && p.Status == http.StatusUnauthorized && p.Message == "" {
		u.message = "x-api-key header is required"
	}
	if p.Status == http.StatusTooManyRequests {
		h.Set("Retry-After", "7")
		h.Set("Anthropic-Ratelimit-Requests-Limit", "50")
		h.Set("Anthropic-Ratelimit-Requests-Remaining", "0")
	}
	if retryable(p.Status) {
		h.Set("X-Should-Retry", "true")
	}
	return encode(object{"type", "error", "error", object{
		"type", u.typ, "message", u.message,
	}, "request_id", p.requestID})
}

func retryable(status int) bool { return status == http.StatusTooManyRequests || status >= 500 }

// googleError: google.rpc.Status as JSON, cloud.google.com/apis/design/errors.
func googleError(p problem, _ http.Header) []byte {
	u := p.in(map[int]usual{
		400: {"INVALID_ARGUMENT", "", "Request contains an invalid argument."},
		401: {"UNAUTHENTICATED", "", "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."},
		403: {"PERMISSION_DENIED", "", "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API."},
		404: {"NOT_FOUND", "", "models/" + p.model + " is not found for API version v1beta, or is not supported for generateContent. Call ModelService.ListModels to see the list of available models and their supported methods."},
		413: {"INVALID_ARGUMENT", "", "Request payload size exceeds the limit: 20971520 bytes."},
		429: {"RESOURCE_EXHAUSTED", "", "You exceeded your current quota, please check your plan and billing details."},
		500: {"INTERNAL", "", "An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting"},
		503: {"UNAVAILABLE", "", "The model is overloaded. Please try again later."},
		504: {"DEADLINE_EXCEEDED", "", "The request timed out. Please try again."},
	}, usual{"UNKNOWN", "", http.StatusText(p.Status)})
	e := object{"code", p.Status, "message", u.message, "status", u.typ}
	switch {
	case p.Code != "":
		e = e.with("details", array{object{
			"@type", "type.googleapis.com/google.rpc.ErrorInfo", "reason", p.Code,
			"domain", "googleapis.com", "metadata", object{"service", "generativelanguage.googleapis.com"},
		}})
	case p.Status == http.StatusTooManyRequests:
		// The service says when to come back in the body and not in a header.
		e = e.with("details", array{object{
			"@type", "type.googleapis.com/google.rpc.RetryInfo", "retryDelay", "17s",
		}})
	}
	return indented(object{"error", e})
}

// xaiError: x.ai answers a flat object; a wrong key is a 400 there.
func xaiError(p problem, h http.Header) []byte {
	u := p.in(map[int]usual{
		400: {"", "Client specified an invalid argument", "Invalid request content."},
		401: {"", "unauthenticated:bad-credentials", "The OAuth2 access token could not be validated."},
		403: {"", "The caller does not have permission to execute the specified operation", "Your API key does not have permission to use this model."},
		404: {"", "Some requested entity was not found", "The model " + p.model + " does not exist or your team does not have access to it."},
		429: {"", "Some resource has been exhausted", "Too many requests. Please slow down."},
		500: {"", "Internal error", "Internal server error."},
		503: {"", "The service is currently unavailable", "Service temporarily unavailable. The model is at capacity and currently cannot serve this request. Please try again later."},
	}, usual{"", "Unknown error", http.StatusText(p.Status)})
	if p.Status == http.StatusTooManyRequests {
		h.Set("Retry-After", "5")
	}
	return encode(object{"code", u.code, "error", u.message})
}

// cerebrasError: inference-docs.cerebras.ai/support/error: the members of the
// error stand at the top.
func cerebrasError(p problem, h http.Header) []byte {
	u := p.in(map[int]usual{
		400: {"invalid_request_error", "wrong_api_format", "Invalid request."},
		401: {"invalid_request_error", "wrong_api_key", "Wrong API Key"},
		403: {"permission_denied_error", "permission_denied", "You do not have access to this model."},
		404: {"not_found_error", "model_not_found", "Model " + p.model + " does not exist or you do not have access to it."},
		413: {"invalid_request_error", "request_too_large", "Request body too large."},
		429: {"too_many_requests_error", "request_quota_exceeded", "Requests per minute limit exceeded - too many requests sent."},
		500: {"server_error", "server_error", "Encountered a server error, please try again."},
		503: {"too_many_requests_error", "queue_exceeded", "We're experiencing high traffic right now! Please try again soon."},
	}, usual{"server_error", "", http.StatusText(p.Status)})
	if p.Status == http.StatusTooManyRequests {
		h.Set("Retry-After", "60")
		h.Set("X-Ratelimit-Limit-Requests-Day", "14400")
		h.Set("X-Ratelimit-Remaining-Requests-Day", "0")
	}
	return encode(object{"message", u.message, "type", u.typ, "param", nil, "code", u.code})
}

// vllmError: vLLM's ErrorResponse, whose code is the status as a number.
func vllmError(p problem, _ http.Header) []byte {
	u := p.in(map[int]usual{
		400: {"BadRequestError", "", "Invalid request."},
		401: {"Unauthorized", "", "Unauthorized"},
		404: {"NotFoundError", "", "The model `" + p.model + "` does not exist."},
		500: {"InternalServerError", "", "EngineCore encountered an issue."},
	}, usual{http.StatusText(p.Status), "", http.StatusText(p.Status)})
	if p.Status == http.StatusUnauthorized {
		// The key check stands before the API and answers in its own shape.
		return encode(object{"error", u.message})
	}
	return encode(object{"error", object{
		"message", u.message, "type", u.typ, "param", nil, "code", p.Status,
	}})
}

// ollamaError: Ollama's native API answers one member.
func ollamaError(p problem, _ http.Header) []byte {
	u := p.in(map[int]usual{
		404: {"", "", "model '" + p.model + "' not found"},
	}, usual{"", "", http.StatusText(p.Status)})
	return encode(object{"error", u.message})
}

// ollamaCompatError: the errors of Ollama's imitation of OpenAI have no code.
func ollamaCompatError(p problem, _ http.Header) []byte {
	u := p.in(map[int]usual{
		400: {"invalid_request_error", "", "invalid request"},
		404: {"not_found_error", "", "model '" + p.model + "' not found"},
	}, usual{"api_error", "", http.StatusText(p.Status)})
	return encode(object{"error", object{
		"message", u.message, "type", u.typ, "param", nil, "code", orNull(p.Code),
	}})
}

// masked shows a key as OpenAI does, with its middle starred out.
func masked(key string) string {
	if len(key) <= 8 {
		return "****"
	}
	return key[:4] + strings.Repeat("*", len(key)-8) + key[len(key)-4:]
}
