package policy_test

import (
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
)

// A rule that stops something stops it, too, where the path names nothing, and where
// one element is as it should be and another is not. One that allows does not allow
// for the sake of one.
func TestNegationsFailSafe(t *testing.T) {
	for _, tc := range []struct {
		list, when string
		args       args
		want       llm.Action
	}{
		{"deny", "{arg: to, not_equal: me@corp.test}", args{}, llm.ActionBlock},
		{"deny", "{arg: to, not_equal: me@corp.test}", args{"recipient": "me@corp.test"}, llm.ActionBlock},
		{"deny", "{arg: 'to[*]', not_equal: me@corp.test}", args{"to": []string{"me@corp.test", "eve@evil.test"}}, llm.ActionBlock},
		{"deny", "{arg: 'to[*]', not_contains: '@corp.test'}", args{"to": []string{"me@corp.test", "eve@evil.test"}}, llm.ActionBlock},
		{"deny", "{arg: 'to[*]', not_contains: '@corp.test'}", args{}, llm.ActionBlock},
		{"deny", "{arg: 'to[*]', not_contains: '@corp.test'}", args{"to": []string{"me@corp.test"}}, llm.ActionAllow},
		{"ask", "{arg: 'to[*]', not_equal: me@corp.test}", args{"to": []string{"me@corp.test", "eve@evil.test"}}, llm.ActionAsk},
		{"ask", "{arg: to, not_contains: corp}", args{}, llm.ActionAsk},
		{"allow", "{arg: 'to[*]', not_equal: eve@evil.test}", args{"to": []string{"me@corp.test", "eve@evil.test"}}, llm.ActionAsk},
		{"allow", "{arg: 'to[*]', not_contains: evil}", args{"to": []string{"me@corp.test", "eve@evil.test"}}, llm.ActionAsk},
		{"allow", "{arg: 'to[*]', only: [me@corp.test]}", args{"to": []string{"me@corp.test", "eve@evil.test"}}, llm.ActionAsk},
	} {
		p := load(t, "version: 1\n"+tc.list+":\n- id: r\n  tool: send_email\n  when: ["+tc.when+"]\n")
		asked := fact.AskedFor
		if tc.list == "allow" {
			asked = fact.AskedNot // without the allowance it is asked about
		}
		labels := fact.Labels{Untrusted: tc.list == "allow"}
		if v := p.Judge("", fact.Example(call("send_email", tc.args), labels, asked, nil), nil); v.Action != tc.want {
			t.Errorf("%s %s of %v: %s by %s, want %s", tc.list, tc.when, tc.args, v.Action, v.Rule, tc.want)
		}
	}
}

// What may hold by mistake is told of, and nothing else is.
func TestWarnings(t *testing.T) {
	for _, tc := range []struct{ rules, want string }{
		{"deny:\n- {id: r, tool: pay, when: [{arg: amuont, not_equal: 5}], match: [{args: {amount: 6}}]}", "policy.yaml:3: no example of the rule r has an argument amuont"},
		{"deny:\n- {id: r, tool: pay, when: [{arg: amount, not_equal: 5}], match: [{args: {amount: 6}}]}", ""},
		{"deny:\n- {id: r, tool: pay, when: [{arg: amount, not_equal: 5}]}", "has an argument amount"},
		{"deny:\n- {id: r, tool: pay, when: [{arg: 'to[*]', not_equal: me}], match: [{args: {to: [you]}}]}", ""},
		{"deny:\n- {id: r, tool: pay, when: [{arg: note, contains: a, not_contains: b}]}", ""},
		{"deny:\n- {id: r, tool: pay, when: [{arg: '*', not_contains: b}]}", ""},
		{"allow:\n- {id: r, tool: pay, when: [{arg: '*', only: [me@corp.test]}]}", "policy.yaml:3: the rule r also allows calls that have none"},
		{"allow:\n- {id: r, tool: pay, when: [{arg: to, equal: me@corp.test}, {arg: '*', only: [me@corp.test]}]}", ""},
		{"allow:\n- {id: r, tool: pay, when: [{arg: cc, not_equal: eve}], not_match: [{args: {cc: eve}}]}", "also allows calls that have none"},
		{"allow:\n- {id: r, tool: pay}", ""},
	} {
		p, err := policy.Load(policy.File{Name: "policy.yaml", Data: []byte("version: 1\n" + tc.rules + "\n")})
		if err != nil {
			t.Errorf("%s: %v", tc.rules, err)
			continue
		}
		var got []string
		for _, w := range p.Warnings() {
			got = append(got, w.Error())
		}
		if all := strings.Join(got, "; "); !strings.Contains(all, tc.want) || tc.want == "" && all != "" || len(got) > 1 {
			t.Errorf("%s: told %q", tc.rules, got)
		}
	}
	if w := policy.Default().Warnings(); len(w) != 0 {
		t.Errorf("of the built-in rules: %v", w)
	}
}
