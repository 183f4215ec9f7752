package simulate

import (
	"encoding/json"
	"net/http"
	"strings"
)

// Format names a wire format.
type Format string

// The formats in which the simulated model answers.
const (
	ChatCompletions Format = "chat_completions"
	Responses       Format = "responses"
	Messages        Format = "messages"
	GenerateContent Format = "generate_content"
	OllamaChat      Format = "ollama_chat"
	OllamaGenerate  Format = "ollama_generate"
)

// The providers whose manners are simulated.
const (
	OpenAI    = "openai"
	Anthropic = "anthropic"
	Gemini    = "gemini"
	Vertex    = "vertex"
	Cerebras  = "cerebras"
	XAI       = "xai"
	VLLM      = "vllm"
	Ollama    = "ollama"
)

// The roles of a Message.
const (
	RoleUser      = "user"
	RoleAssistant = "assistant"
	RoleTool      = "tool" // tool results and nothing else
)

// Request is what a client asked the model, the same for every format.
type Request struct {
	Provider string
	Format   Format
	Header   http.Header
	Model    string
	Stream   bool
	System   string
	// Messages is the conversation, with the history that the provider keeps.
	// Neighbouring messages of the assistant are one.
	Messages []Message
	Tools    []string // names
	Choices  int      // at least 1

	// body holds the members of the request's object, for what is echoed.
	body map[string]json.RawMessage
	// jsonArray tells that a Gemini stream is an array and not server-sent events.
	jsonArray bool
}

// Message is one entry of a conversation.
type Message struct {
	Role    string
	Text    string
	Calls   []ToolCall
	Results []ToolResult
}

// ToolResult is what a client's tool returned.
type ToolResult struct {
	ID, Name, Text string
	IsError        bool
}

// Turn counts the assistant's messages since the user last spoke.
func (r Request) Turn() int {
	n := 0
	for i := len(r.Messages) - 1; i >= 0 && r.Messages[i].Role != RoleUser; i-- {
		if r.Messages[i].Role == RoleAssistant {
			n++
		}
	}
	return n
}

// add appends a message; the assistant's neighbouring ones become one.
func (r *Request) add(m Message) {
	if n := len(r.Messages); n > 0 && m.Role != RoleUser && r.Messages[n-1].Role == m.Role {
		last := &r.Messages[n-1]
		last.Text = joinText(last.Text, m.Text)
		last.Calls = append(last.Calls, m.Calls...)
		last.Results = append(last.Results, m.Results...)
		return
	}
	r.Messages = append(r.Messages, m)
}

// addUser appends what a user's message holds: its words, its tool results, or both.
func (r *Request) addUser(text string, results []ToolResult) {
	role := RoleUser
	if text == "" && len(results) > 0 {
		role = RoleTool
	}
	r.add(Message{Role: role, Text: text, Results: results})
}

func (r *Request) addSystem(text string) { r.System = joinText(r.System, text) }

func joinText(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n" + b
}

// flag reads a boolean member of the request.
func (r *Request) flag(name string) bool {
	var b bool
	return json.Unmarshal(r.body[name], &b) == nil && b
}

// str reads a string member of the request.
func (r *Request) str(name string) string {
	var s string
	_ = json.Unmarshal(r.body[name], &s) // another type counts as absent
	return s
}

// num reads a whole-number member of the request; absent is 0.
func (r *Request) num(name string) int {
	var n int
	_ = json.Unmarshal(r.body[name], &n) // another type counts as absent
	return n
}

// includeUsage reports OpenAI's stream_options.include_usage.
func (r *Request) includeUsage() bool {
	var o struct {
		IncludeUsage bool `json:"include_usage"`
	}
	return json.Unmarshal(r.body["stream_options"], &o) == nil && o.IncludeUsage
}

// texts joins the text of a content that is a string or a list of parts with a
// member named text, as OpenAI, Anthropic and Gemini write them.
func texts(content json.RawMessage) string {
	var s string
	if json.Unmarshal(content, &s) == nil {
		return s
	}
	var parts []struct {
		Text    string          `json:"text"`
		Content json.RawMessage `json:"content"`
	}
	if json.Unmarshal(content, &parts) != nil {
		return ""
	}
	var all []string
	for _, p := range parts {
		if p.Text == "" && len(p.Content) > 0 {
			p.Text = texts(p.Content)
		}
		if p.Text != "" {
			all = append(all, p.Text)
		}
	}
	return strings.Join(all, "\n")
}
