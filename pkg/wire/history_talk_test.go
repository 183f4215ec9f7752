package wire_test

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
)

// talk is a conversation that grows, in one of the formats.
type talk struct {
	api      llm.API
	rand     *rand.Rand
	head     []string // members before the messages
	messages []string
	tail     []string // members behind them
	calls    int
}

// member names the member of a request that holds its messages.
func member(api llm.API) string {
	switch api {
	case llm.APIResponses:
		return "input"
	case llm.APIGenerateContent:
		return "contents"
	}
	return "messages"
}

func newTalk(api llm.API, r *rand.Rand) *talk {
	t := &talk{api: api, rand: r}
	tools := t.tools(6)
	system := map[llm.API]string{
		llm.APIMessages:        `"system":[{"type":"text","text":` + t.text(400) + `,"cache_control":{"type":"ephemeral"}},{"type":"text","text":"more"}]`,
		llm.APIResponses:       `"instructions":` + t.text(400),
		llm.APIGenerateContent: `"systemInstruction":{"parts":[{"text":` + t.text(400) + `}]}`,
	}[api]
	if system == "" {
		system = `"temperature":1`
	}
	t.head = []string{`"model":"some-model"`, system}
	t.tail = []string{tools, `"stream":true`, `"metadata":{"user_id":"user_1_session_2"}`}
	if r.IntN(2) == 0 {
		t.head, t.tail = append(t.head, t.tail...), nil
	}
	for range 1 + r.IntN(3) {
		t.add()
	}
	return t
}

// text makes a JSON string.
func (t *talk) text(n int) string {
	words := []string{"the", "file", "πρώτα", "is", `\"quoted\"`, `\n\t`, "😀", "at", `\u00e9`, "https://example.com/a?b=c", "alice@example.com", "{", "]"}
	var b strings.Builder
	b.WriteByte('"')
	for b.Len() < n {
		b.WriteString(words[t.rand.IntN(len(words))])
		b.WriteByte(' ')
	}
	fmt.Fprintf(&b, `%d"`, t.rand.IntN(1000))
	return b.String()
}

func (t *talk) tools(n int) string {
	var list []string
	for i := range n {
		schema := `{"type":"object","properties":{"path":{"type":"string","description":` + t.text(60) + `}}}`
		name, words := fmt.Sprintf(`"tool_%d"`, i), t.text(100)
		switch t.api {
		case llm.APIMessages:
			list = append(list, `{"name":`+name+`,"description":`+words+`,"input_schema":`+schema+`}`)
		case llm.APIResponses:
			list = append(list, `{"type":"function","name":`+name+`,"description":`+words+`,"parameters":`+schema+`}`)
		case llm.APIGenerateContent:
			list = append(list, `{"functionDeclarations":[{"name":`+name+`,"description":`+words+`,"parameters":`+schema+`}]}`)
		default:
			list = append(list, `{"type":"function","function":{"name":`+name+`,"description":`+words+`,"parameters":`+schema+`}}`)
		}
	}
	return `"tools":[` + strings.Join(list, ",") + `]`
}

// add adds a message: a user's, a call, or what the call returned, in turn.
func (t *talk) add() {
	id := fmt.Sprintf(`"call_%d"`, t.calls)
	step := len(t.messages) % 3
	if step == 2 {
		t.calls++
	}
	t.messages = append(t.messages, t.message(step, id, t.text(20+t.rand.IntN(600))))
}

func (t *talk) message(step int, id, text string) string {
	switch t.api {
	case llm.APIMessages:
		return [...]string{
			`{"role":"user","content":[{"type":"text","text":` + text + `}]}`,
			`{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"eA=="},{"type":"tool_use","id":` + id + `,"name":"tool_1","input":{"path":` + text + `}}]}`,
			`{"role":"user","content":[{"type":"tool_result","tool_use_id":` + id + `,"content":` + text + `},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]}`,
		}[step]
	case llm.APIResponses:
		return [...]string{
			`{"type":"message","role":"user","content":[{"type":"input_text","text":` + text + `}]}`,
			`{"type":"function_call","call_id":` + id + `,"name":"tool_1","arguments":"{\"path\":1}"}`,
			`{"type":"function_call_output","call_id":` + id + `,"output":` + text + `}`,
		}[step]
	case llm.APIGenerateContent:
		return [...]string{
			`{"role":"user","parts":[{"text":` + text + `}]}`,
			`{"role":"model","parts":[{"functionCall":{"id":` + id + `,"name":"tool_1","args":{"path":` + text + `}}}]}`,
			`{"role":"user","parts":[{"functionResponse":{"id":` + id + `,"name":"tool_1","response":{"result":` + text + `}}}]}`,
		}[step]
	case llm.APIOllamaChat:
		return [...]string{
			`{"role":"user","content":` + text + `,"images":["AAAA"]}`,
			`{"role":"assistant","content":"","tool_calls":[{"id":` + id + `,"function":{"name":"tool_1","arguments":{"path":` + text + `}}}]}`,
			`{"role":"tool","tool_name":"tool_1","content":` + text + `}`,
		}[step]
	}
	return [...]string{
		`{"role":"user","content":` + text + `}`,
		`{"role":"assistant","content":null,"tool_calls":[{"id":` + id + `,"type":"function","function":{"name":"tool_1","arguments":"{\"path\":\"a\"}"}}]}`,
		`{"role":"tool","tool_call_id":` + id + `,"content":` + text + `}`,
	}[step]
}

// change changes something that was sent before, as clients do.
func (t *talk) change() {
	at := t.rand.IntN(len(t.messages))
	switch t.rand.IntN(10) {
	case 0: // a mark for the cache
		t.messages[at] = strings.Replace(t.messages[at], `}`, `,"cache_control":{"type":"ephemeral"}}`, 1)
	case 1: // the beginning is dropped
		t.messages = t.messages[at:]
	case 2:
		t.messages[at] = t.message(0, `"x"`, t.text(50))
	case 3: // a name given twice
		t.messages[at] = strings.Replace(t.messages[at], `{`, `{"x":1,"x":2,`, 1)
	case 4:
		t.messages[at] = ` ` + t.messages[at] + "\n"
	case 5: // one that repeats another
		t.messages = append(t.messages, t.messages[at])
	case 6:
		t.head[0] = fmt.Sprintf(`"model":"model-%d"`, t.rand.IntN(1<<t.rand.IntN(30)))
	case 7:
		t.head = append(t.head, fmt.Sprintf(`"n%d":[%s]`, t.rand.IntN(5), t.text(10)))
	}
}

func (t *talk) body() []byte {
	messages := fmt.Sprintf(`"%s":[%s]`, member(t.api), strings.Join(t.messages, ","))
	members := append(append(append([]string{}, t.head...), messages), t.tail...)
	return []byte("{" + strings.Join(members, ",") + "}")
}

// shuffled is the body with its members in another order.
func (t *talk) shuffled() []byte {
	messages := fmt.Sprintf(`"%s" : [ %s ]`, member(t.api), strings.Join(t.messages, " ,\n"))
	members := append(append(append([]string{}, t.head...), messages), t.tail...)
	t.rand.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return []byte("{" + strings.Join(members, ", ") + "}")
}
