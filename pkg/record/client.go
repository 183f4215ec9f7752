package record

import (
	"net/http"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// agents maps what an agent's User-Agent begins with or holds to its name, as
// seen from the agents themselves.
var agents = []struct{ mark, name string }{
	{"claude-cli", "claude-code"},
	{"claude-code", "claude-code"},
	{"codex", "codex"},
	{"geminicli", "gemini-cli"},
	{"gemini-cli", "gemini-cli"},
	{"opencode", "opencode"},
	{"crush", "crush"},
	{"aider", "aider"},
	{"litellm", "litellm"},
	{"cursor", "cursor"},
	{"cline", "cline"},
	{"roo-code", "roo-code"},
	{"continue", "continue"},
	{"zed/", "zed"},
	{"langchain", "langchain"},
	{"llama-index", "llamaindex"},
	{"pydantic-ai", "pydantic-ai"},
}

// sessionHeaders carry a client's own session id (Codex, opencode, Claude Code).
var sessionHeaders = []string{"Session-Id", "Session_id", "X-Session-Id", "X-Claude-Code-Session-Id", "Thread-Id", "X-Opencode-Session"}

// client says who calls, from the headers alone.
func client(req *http.Request) llm.Client {
	c := llm.Client{UserAgent: req.UserAgent()}
	if secretValue(c.UserAgent) {
		c.UserAgent = Redacted
	}
	low := c.UserAgent
	if by := req.Header.Get("Originator"); by != "" {
		low += " " + by
	}
	low = strings.ToLower(low)
	for _, a := range agents {
		if strings.Contains(low, a.mark) {
			c.Agent = a.name
			break
		}
	}
	for _, h := range sessionHeaders {
		if v := req.Header.Get(h); v != "" && len(v) <= 128 && !secretValue(v) {
			c.Session = v
			break
		}
	}
	return c
}

// Client says who called, as far as it is known.
func (x *Exchange) Client() llm.Client {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.i.Client
}

// Conversation returns a key that the bodies of one conversation have in common.
func (x *Exchange) Conversation() uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.conv
}
