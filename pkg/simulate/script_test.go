package simulate

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTurns(t *testing.T) {
	_, url := newTestServer(t, Options{})
	const script = `Do it. [[sim: call read {"p":1} | then | text "Now the second." | call write {} | then | text "Done."]]`
	user := `{"role":"user","content":` + quote(script) + `}`
	call := func(name string) string {
		return `{"role":"assistant","content":null,"tool_calls":[{"id":"c-` + name + `","type":"function","function":{"name":"` + name + `","arguments":"{}"}}]}`
	}
	result := func(name string) string {
		return `{"role":"tool","tool_call_id":"c-` + name + `","content":"the result of ` + name + `"}`
	}
	tests := []struct{ history, want string }{
		{user, `read`},
		{user + "," + call("read") + "," + result("read"), "write"},
		{user + "," + call("read") + "," + result("read") + "," + call("write") + "," + result("write"), "Done."},
		{user + "," + call("a") + "," + result("a") + "," + call("b") + "," + result("b") + "," + call("c") + "," + result("c"), "c returned: the result of c"},
		{user + "," + call("a") + "," + result("a") + `,{"role":"user","content":"And now?"}`, "You said: And now?"},
	}
	for _, tt := range tests {
		res := post(t, url+"/v1/chat/completions", `{"model":"m","messages":[`+tt.history+`]}`)
		if !strings.Contains(res.body, tt.want) {
			t.Errorf("no %q in\n%s", tt.want, res.body)
		}
	}
}

// TestTurnsBesideReminders: Claude Code puts text beside its tool results.
func TestTurnsBesideReminders(t *testing.T) {
	_, url := newTestServer(t, Options{})
	res := post(t, url+"/v1/messages", `{"model":"m","max_tokens":9,"messages":[
		{"role":"user","content":[{"type":"text","text":"[[sim: call ls {} | then | text \"Second turn.\"]]"}]},
		{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"ls","input":{}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"text","text":"a b"}]},{"type":"text","text":"<system-reminder>be brief</system-reminder>"}]}]}`)
	if !strings.Contains(res.body, "Second turn.") {
		t.Error(res.body)
	}
}

func TestKeptHistory(t *testing.T) {
	_, url := newTestServer(t, Options{})
	first := parse(t, post(t, url+"/v1/responses", `{"model":"m","input":"[[sim: call look {} | then | text \"Seen.\"]]"}`).body)
	id := text(first, "id")
	callID := text(first, "output", 0, "call_id")
	second := post(t, url+"/v1/responses", `{"model":"m","previous_response_id":"`+id+`","input":[{"type":"function_call_output","call_id":"`+callID+`","output":"x"}]}`)
	if !strings.Contains(second.body, "Seen.") {
		t.Errorf("the second turn does not know the first: %s", second.body)
	}
	if res := do(t, "GET", url+"/v1/responses/"+id, ""); text(parse(t, res.body), "id") != id {
		t.Errorf("GET: %d %s", res.status, res.body)
	}
	if res := post(t, url+"/v1/responses", `{"model":"m","previous_response_id":"resp_none","input":"x"}`); res.status != 400 || text(parse(t, res.body), "error", "code") != "previous_response_not_found" {
		t.Errorf("an unknown id: %d %s", res.status, res.body)
	}
	stored := parse(t, post(t, url+"/v1/responses", `{"model":"m","store":false,"input":"x"}`).body)
	if res := do(t, "GET", url+"/v1/responses/"+text(stored, "id"), ""); res.status != 404 {
		t.Errorf("not to be stored, and yet: %d", res.status)
	}
}

func TestAnswerFunc(t *testing.T) {
	var seen []Request
	_, url := newTestServer(t, Options{Answer: func(r Request) Script {
		seen = append(seen, r)
		return Turns(Say(Call("transfer", `{"to":"x"}`)), Say(Text("Transferred.")))(r)
	}})
	const history = `{"role":"user","content":"Pay."}`
	res := post(t, url+"/v1/chat/completions", `{"model":"m","tools":[{"type":"function","function":{"name":"transfer"}}],"messages":[{"role":"system","content":"Be kind."},`+history+`]}`)
	if !strings.Contains(res.body, `"transfer"`) {
		t.Error(res.body)
	}
	want := Request{
		Provider: OpenAI, Format: ChatCompletions, Model: "m", System: "Be kind.", Choices: 1,
		Messages: []Message{{Role: RoleUser, Text: "Pay."}}, Tools: []string{"transfer"},
	}
	seen[0].Header, seen[0].body = nil, nil
	if d := cmp.Diff(want, seen[0], cmp.AllowUnexported(Request{})); d != "" {
		t.Error(d)
	}
	res = post(t, url+"/v1/chat/completions", `{"model":"m","messages":[`+history+`,{"role":"assistant","content":"a"},{"role":"tool","tool_call_id":"1","content":"ok"}]}`)
	if !strings.Contains(res.body, "Transferred.") {
		t.Error(res.body)
	}
	if res := post(t, url+"/v1/chat/completions", `{"model":"m","messages":[`+history+`]}`, "X-Simulate", "error 503"); res.status != 503 {
		t.Errorf("the header does not win: %d", res.status)
	}
}
