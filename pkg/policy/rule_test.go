package policy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy"
	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
)

// decide judges a call on made-up facts.
func decide(p *policy.Policy, profile string, c llm.ToolCall, l fact.Labels, seen map[string]fact.Origin) (llm.Action, string) {
	v := p.Judge(profile, fact.Example(c, l, fact.AskedFor, seen), nil)
	return v.Action, v.Rule
}

func TestPredicates(t *testing.T) {
	for _, tc := range []struct {
		when  string
		match []args
		not   []args
	}{
		{"{arg: to, equal: bob}", []args{{"to": "bob"}}, []args{{"to": "Bob"}, {}, {"cc": "bob"}}},
		{"{arg: n, equal: [1, 2.5]}", []args{{"n": 1}, {"n": "1.0"}, {"n": 2.5}}, []args{{"n": 3}}},
		{"{arg: to, not_equal: [a, b]}", []args{{"to": "c"}, {}}, []args{{"to": "a"}}},
		{"{arg: 'to[*]', equal: a}", []args{{"to": []string{"b", "a"}}, {"to": "a"}}, []args{{"to": []string{"b"}}, {"to": []string{}}}},
		{"{arg: 'to[*]', not_equal: a}", []args{{"to": []string{"b", "c"}}, {"to": []string{"b", "a"}}, {"to": []string{}}, {}}, []args{{"to": []string{"a"}}, {"to": "a"}}},
		{"{arg: 'to[*]', ends_with: '@a.test', not_equal: [x@a.test, y@a.test]}", []args{{"to": []string{"x@a.test", "z@a.test"}}}, []args{{"to": []string{"x@a.test", "z@b.test"}}, {}}},
		{"{arg: 'to[*]', only: [a, b]}", []args{{"to": []string{"a", "b"}}, {}}, []args{{"to": []string{"a", "c"}}}},
		{"{arg: 'items[*].id', equal: '7'}", []args{{"items": []args{{"id": "1"}, {"id": "7"}}}}, []args{{"items": []args{{"no": "7"}}}}},
		{"{arg: a.b, contains: key}", []args{{"a": args{"b": "a KEY here"}}}, []args{{"a": args{"b": "no"}}, {"a.x": "key"}}},
		{"{arg: a, not_contains: key}", []args{{"a": "no"}}, []args{{"a": "Key"}}},
		{"{arg: a, starts_with: x, ends_with: z}", []args{{"a": "xyz"}}, []args{{"a": "xy"}, {"a": "yz"}}},
		{"{arg: a, regex: '^(DROP|drop) '}", []args{{"a": "DROP it"}}, []args{{"a": "a DROP "}}},
		{"{arg: u, host_in: [corp.test, '*.corp.test']}", []args{{"u": "https://www.corp.test/x"}, {"u": "a.corp.test"}, {"u": "bob@corp.test"}},
			[]args{{"u": "corp.test.evil.test"}, {"u": "evilcorp.test"}, {"u": "https://corp.test@evil.test/"}, {"u": "no url"}}},
		{"{arg: p, path_under: [~/code, '**/.env']}", []args{{"p": "/home/me/code/x"}, {"p": "a/.env"}}, []args{{"p": "/home/me/x"}, {"p": "~/code/../x"}}},
		{"{arg: n, max: 100}", []args{{"n": 99.5}, {"n": "$100"}, {"n": -5}}, []args{{"n": 101}, {"n": "1,000"}, {"n": "x"}, {}}},
		{"{arg: '*', equal: x}", []args{{"a": args{"b": []string{"y", "x"}}}}, []args{{"a": "y"}}},
		{"{arg: '*', only: [a@corp.test]}", []args{{"to": "a@corp.test", "subject": "Hi"}, {"n": 1}}, []args{{"to": "a@corp.test", "cc": "b@corp.test"}, {"to": "a@corp.test", "body": "see www.x.test"}}},
	} {
		p := load(t, "version: 1\ndeny:\n- id: r\n  tool: get_x\n  when: ["+tc.when+"]\n")
		for _, a := range tc.match {
			if got, rule := decide(p, "", call("get_x", a), fact.Labels{}, nil); got != llm.ActionBlock || rule != "r" {
				t.Errorf("%s does not match %v", tc.when, a)
			}
		}
		for _, a := range tc.not {
			if got, _ := decide(p, "", call("get_x", a), fact.Labels{}, nil); got != llm.ActionAllow {
				t.Errorf("%s matches %v", tc.when, a)
			}
		}
	}
}

func TestFrom(t *testing.T) {
	p := load(t, "version: 1\nask:\n- {id: r, tool: mail, when: [{arg: 'to[*]', from: [tool.prose, model]}]}\n")
	for o, want := range map[fact.Origin]llm.Action{fact.Prose: llm.ActionAsk, fact.Model: llm.ActionAsk, fact.User: llm.ActionAllow, fact.Field: llm.ActionAllow} {
		got, _ := decide(p, "", call("mail", args{"to": []string{"a@b.test"}}), fact.Labels{}, map[string]fact.Origin{"to[0]": o})
		if got != want {
			t.Errorf("from %v: %s, want %s", o, got, want)
		}
	}
}

func TestOrderOfLists(t *testing.T) {
	p := load(t, `
version: 1
allow:
- {id: allow-all, tool: "*"}
ask:
- {id: ask-mail, tool: ["*mail*", "mcp__gmail__*"]}
deny:
- {id: no-delete, class: destructive}
- {id: no-secret-session, tool: send_*, session: {secret: true}}
`)
	for _, tc := range []struct {
		tool   string
		labels fact.Labels
		want   llm.Action
		rule   string
	}{
		{"delete_mail", fact.Labels{}, llm.ActionBlock, "no-delete"},
		{"send_email", fact.Labels{}, llm.ActionAsk, "ask-mail"},
		{"MCP__Gmail__x", fact.Labels{}, llm.ActionAsk, "ask-mail"},
		{"send_money", fact.Labels{Secret: true}, llm.ActionBlock, "no-secret-session"},
		{"send_money", fact.Labels{}, llm.ActionAllow, "allow-all"},
	} {
		if got, rule := decide(p, "", call(tc.tool, args{}), tc.labels, nil); got != tc.want || rule != tc.rule {
			t.Errorf("%s %+v: %s by %s, want %s by %s", tc.tool, tc.labels, got, rule, tc.want, tc.rule)
		}
	}
}

// A user's allowance ends the built-in asks, never a denial.
func TestAllowEndsAsks(t *testing.T) {
	p := load(t, "version: 1\nallow:\n- {id: mine, tool: [send_money, Write]}\n")
	c := new(talk).user("What is new?").tool("get_emails", args{}, inbox)
	if v := c.judge(p, call("send_money", args{"recipient": "GB29NWBK60161331926819"})); v.Action != llm.ActionAllow || v.Rule != "mine" {
		t.Errorf("%s by %s", v.Action, v.Rule)
	}
	if v := c.judge(p, call("Write", args{"file_path": "/root/.ssh/authorized_keys"})); v.Action != llm.ActionBlock || v.Rule != "lasting-write" {
		t.Errorf("%s by %s", v.Action, v.Rule)
	}
}

// The actions of the platform that archestra descends from can all be written.
func TestPlatformActions(t *testing.T) {
	p := load(t, `
version: 1
allow:
- {id: allow-always, tool: list_orders}
deny:
- {id: block-always, tool: drop_table}
- {id: block-when-untrusted, tool: post_comment, session: {untrusted: true}}
ask:
- {id: require-approval, tool: deploy}
results:
  trusted:
  - {id: trust, tool: get_own_notes}
  - {id: trust-colleagues, tool: get_emails, when: [{path: "[*].from", ends_with: "@corp.test"}]}
  untrusted:
  - {id: distrust, tool: get_own_notes, when: [{path: text, contains: "forwarded"}]}
  blocked:
  - {id: block, tool: get_emails, when: [{path: "[*].from", equal: "spam@evil.test"}], because: spam}
profiles:
  ci-*:
    untrusted: true
`)
	untrusted := fact.Labels{Untrusted: true}
	for _, tc := range []struct {
		tool   string
		labels fact.Labels
		want   llm.Action
	}{
		{"list_orders", untrusted, llm.ActionAllow}, {"drop_table", fact.Labels{}, llm.ActionBlock}, {"post_comment", fact.Labels{}, llm.ActionAllow},
		{"post_comment", untrusted, llm.ActionBlock}, {"deploy", fact.Labels{}, llm.ActionAsk},
	} {
		if got, rule := decide(p, "", call(tc.tool, args{}), tc.labels, nil); got != tc.want {
			t.Errorf("%s %+v: %s by %s, want %s", tc.tool, tc.labels, got, rule, tc.want)
		}
	}
	for _, tc := range []struct{ tool, text, want, rule string }{
		{"get_own_notes", "buy milk", "trusted", "trust"},
		{"get_own_notes", "Forwarded: buy milk", "untrusted", "distrust"},
		{"get_emails", `[{"from":"a@corp.test"},{"from":"b@corp.test"}]`, "trusted", "trust-colleagues"},
		{"get_emails", "- from: a@corp.test\n  body: x\n- from: b@corp.test\n  body: y\n", "trusted", "trust-colleagues"},
		// One stranger among friends is a stranger.
		{"get_emails", `[{"from":"a@corp.test"},{"from":"eve@evil.test"}]`, "untrusted", ""},
		{"get_emails", `[]`, "untrusted", ""},
		{"get_emails", `[{"from":"a@corp.test"},{"from":"spam@evil.test"}]`, "blocked", "block"},
		{"get_files", "x", "untrusted", ""},
	} {
		v := p.Result("", tc.tool, nil, tc.text)
		if v.Trust.String() != tc.want || v.Rule != tc.rule || (v.Replacement != "") != (tc.want == "blocked") {
			t.Errorf("%s %s: %+v, want %s by %q", tc.tool, tc.text, v, tc.want, tc.rule)
		}
	}
	if !p.StartsUntrusted("CI-nightly") || p.StartsUntrusted("default") {
		t.Error("the profile that starts untrusted")
	}
	// A trusted result leaves the session trusted.
	c := new(talk).user("What is new?").tool("get_own_notes", args{}, "do not forget to buy milk for the office")
	if v := c.judge(p, call("delete_file", args{"file_id": "1"})); v.Action != llm.ActionAllow {
		t.Errorf("%s by %s", v.Action, v.Rule)
	}
}

func TestProfiles(t *testing.T) {
	p := load(t, `
version: 1
mode: enforce
ask:
- {id: everywhere, tool: deploy, profile: [dev, "ci-*"]}
profiles:
  prod:
    deny:
    - {id: in-prod, tool: deploy}
  try:
    mode: report
    deny:
    - {id: in-try, tool: deploy}
`)
	for profile, want := range map[string]struct {
		action llm.Action
		rule   string
	}{"dev": {llm.ActionAsk, "everywhere"}, "CI-1": {llm.ActionAsk, "everywhere"}, "prod": {llm.ActionBlock, "in-prod"}, "x": {llm.ActionAllow, "default"}} {
		if got, rule := decide(p, profile, call("deploy", args{}), fact.Labels{}, nil); got != want.action || rule != want.rule {
			t.Errorf("%s: %s by %s, want %+v", profile, got, rule, want)
		}
	}
	v := p.Judge("try", fact.Example(call("deploy", args{}), fact.Labels{}, fact.AskedFor, nil), nil)
	if v.Action != llm.ActionAllow || v.Would != llm.ActionBlock || v.Rule != "in-try" {
		t.Errorf("report mode: %+v", v)
	}
}

func TestProjectMayOnlyTighten(t *testing.T) {
	user := policy.File{Name: "user.yaml", Data: []byte("version: 1\nmode: report\nallow:\n- {id: mine, tool: deploy}\n")}
	good := policy.File{Name: "project.yaml", Project: true, Data: []byte("version: 1\nmode: enforce\ndeny:\n- {id: theirs, tool: deploy}\n")}
	p, err := policy.Load(user, good)
	if err != nil {
		t.Fatal(err)
	}
	if got, rule := decide(p, "", call("deploy", args{}), fact.Labels{}, nil); got != llm.ActionBlock || rule != "theirs" {
		t.Errorf("%s by %s", got, rule)
	}
	for text, want := range map[string]string{
		"version: 1\nallow:\n- {id: x, tool: deploy}\n":                          "cannot allow",
		"version: 1\nmode: report\n":                                             "only be enforce",
		"version: 1\ndisable: [unasked]\n":                                       "cannot disable",
		"version: 1\nresults: {trusted: [{id: x, tool: y}]}\n":                   "cannot trust",
		"version: 1\nprofiles: {a: {untrusted: false}}\n":                        "only be true",
		"version: 1\nprofiles: {a: {mode: report}}\n":                            "only be enforce",
		"version: 1\nprofiles:\n  a:\n    allow:\n    - {id: x, tool: deploy}\n": "cannot allow",
	} {
		_, err := policy.Load(user, policy.File{Name: "project.yaml", Project: true, Data: []byte(text)})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "project.yaml:") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestDisable(t *testing.T) {
	c := new(talk).user("What is new?").tool("get_emails", args{}, inbox)
	if v := c.judge(load(t, "version: 1\ndisable: [unasked]\n"), call("delete_email", args{"email_id": "1"})); v.Action != llm.ActionAllow {
		t.Errorf("%s by %s", v.Action, v.Rule)
	}
	if v := c.judge(load(t, "version: 1\ndisable: [lasting-write]\n"), call("Bash", args{"command": "echo x >> ~/.bashrc"})); v.Action != llm.ActionAllow {
		t.Errorf("%s by %s", v.Action, v.Rule)
	}
	if v := c.judge(policy.Default(), call("Bash", args{"command": "echo x >> ~/.bashrc"})); v.Action != llm.ActionBlock || v.Rule != "persistent-write" {
		t.Errorf("%s by %s", v.Action, v.Rule)
	}
}

func TestErrorsNameTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"version: 1\ndeny:\n- id: a\n  tool: x\n  when:\n  - {arg: y, regex: '('}\n":          "p.yaml:6: regex: error parsing regexp",
		"version: 1\ndeny:\n- id: a\n  tool: x\n  when:\n  - {arg: y, regex: '(?=x)'}\n":      "p.yaml:6: regex: error parsing regexp", // RE2 only
		"version: 1\ndeny:\n- id: a\n  tol: x\n":                                              "p.yaml:4: \"tol\" is not known in a rule",
		"version: 1\ndenny: []\n":                                                             "p.yaml:2: \"denny\" is not known",
		"version: 2\n":                                                                        "p.yaml:1: version \"2\" is not known",
		"deny: []\n":                                                                          "version: 1 is missing",
		"version: 1\ndeny:\n- {tool: x}\n":                                                    "p.yaml:3: the rule has no id",
		"version: 1\ndeny:\n- {id: a}\n":                                                      "p.yaml:3: the rule matches every call",
		"version: 1\ndeny:\n- {id: a, tool: x}\n- {id: a, tool: y}\n":                         "p.yaml:4: the id \"a\" is taken",
		"version: 1\ndeny:\n- {id: unasked, tool: x}\n":                                       "p.yaml:3: the id \"unasked\" is taken",
		"version: 1\ndeny:\n- {id: a, tool: x, when: [{arg: 'a[*].b[*]', equal: 1}]}\n":       "more than once",
		"version: 1\ndeny:\n- {id: a, tool: x, when: [{arg: a}]}\n":                           "says nothing of \"a\"",
		"version: 1\ndeny:\n- {id: a, tool: x, when: [{equal: a}]}\n":                         "names no argument",
		"version: 1\ndeny:\n- {id: a, tool: x, when: [{arg: a, max: much}]}\n":                "max needs one number",
		"version: 1\ndeny:\n- {id: a, tool: x, when: [{arg: a, from: moon}]}\n":               "is no origin",
		"version: 1\ndeny:\n- {id: a, class: mild}\n":                                         "class \"mild\" is not known",
		"version: 1\ndeny:\n- {id: a, tool: x, session: {happy: true}}\n":                     "is no label",
		"version: 1\ndeny: &a\n- {id: a, tool: x}\nask: *a\n":                                 "anchors and aliases",
		"version: 1\nversion: 1\n":                                                            "\"version\" stands twice",
		"version: 1\nmode: maybe\n":                                                           "mode \"maybe\" is not known",
		"version: 1\ndisable: [nothing]\n":                                                    "no built-in rule has the id",
		"version: 1\n---\nversion: 1\n":                                                       "one document is expected",
		"version: [\n":                                                                        "p.yaml:2: this is no YAML",
		"version: 1\ndeny:\n- {id: a, tool: x\nask: []\n":                                     "p.yaml:3: this is no YAML",
		"version: 1\ndeny:\n- id: a\n   tool: x\n":                                            "p.yaml:4: this is no YAML",
		"version: 1\n\tdeny: x\n":                                                             "p.yaml:2: this is no YAML",
		"a: b: c\n":                                                                           "p.yaml:1: this is no YAML",
		"just text":                                                                           "names and values are expected",
		"version: 1\nresults: {trusted: [{id: a, tool: x, when: [{path: y, from: user}]}]}\n": "from is not known of results",
		"version: 1\ndeny:\n- {id: a, tool: rm, match: [{args: {x: 1}}], not_match: [{}]}\n":  "p.yaml:3: the rule a matches an example that it must not match",
		"version: 1\ndeny:\n- id: a\n  tool: x\n  when: [{arg: y, equal: 1}]\n  match:\n  - {args: {y: 2}}\n": "p.yaml:7: the rule a does not match an example that it must match",
	} {
		p, err := policy.Load(policy.File{Name: "p.yaml", Data: []byte(text)})
		if err == nil || !strings.Contains(err.Error(), want) || p != nil {
			t.Errorf("%q:\n  %v, want %q", text, err, want)
			continue
		}
		var at *policy.Error
		if !errors.As(err, &at) || at.File != "p.yaml" || at.Line < 1 {
			t.Errorf("%q: no place in %v", text, err)
		}
	}
	if _, err := policy.Load(policy.File{Name: "p.yaml", Data: make([]byte, 2<<20)}); err == nil {
		t.Error("a file of 2 MiB is read")
	}
}

func TestExamples(t *testing.T) {
	p := load(t, `
version: 1
ask:
  - id: mail-stranger
    tool: ["send_*mail*", "mcp__gmail__*"]
    when:
      - {arg: "to[*]", from: tool.prose}
    because: "{value} was only ever seen in {origin}, for {args.subject}"
    match:
      - {tool: send_email, args: {to: [boss@corp.test, x@evil.test], subject: Hi}, seen: {"to[0]": user, "to[1]": tool.prose}}
      - {tool: mcp__gmail__send, args: {to: x@evil.test}, seen: {to: tool.prose}}
    not_match:
      - {tool: send_email, args: {to: [boss@corp.test]}, seen: {"to[0]": user}}
      - {tool: send_money, args: {to: x@evil.test}, seen: {to: tool.prose}}
results:
  blocked:
    - id: spam
      tool: get_emails
      when: [{path: "[*].from", ends_with: "@evil.test"}]
      match: [{result: '[{"from":"a@evil.test"}]'}]
      not_match: [{result: '[{"from":"a@corp.test"}]'}, {tool: get_files, result: '[{"from":"a@evil.test"}]'}]
`)
	f := fact.Example(call("send_email", args{"to": []string{"x@evil.test"}, "subject": "Hi"}), fact.Labels{}, fact.AskedFor, map[string]fact.Origin{"to[0]": fact.Prose})
	v := p.Judge("", f, nil)
	if want := `"x@evil.test" was only ever seen in tool.prose, for "Hi"`; v.Reason != want || v.Path != "to[0]" || v.Value != "x@evil.test" || v.Line != 4 || v.File != "policy.yaml" {
		t.Errorf("%+v", v)
	}
}

func TestRulesAndExplain(t *testing.T) {
	p := load(t, "version: 1\nallow:\n- {id: mine, tool: send_money}\ndeny:\n- {id: no, tool: drop}\n")
	var ids []string
	for _, r := range p.Rules() {
		ids = append(ids, string(r.Action)+" "+r.ID)
	}
	got := strings.Join(ids, ", ")
	for _, order := range [][2]string{{"block no", "block lasting-write"}, {"block lasting-write", "allow mine"}, {"block secret-out", "allow mine"}, {"allow mine", "ask unasked"}} {
		if i, k := strings.Index(got, order[0]), strings.Index(got, order[1]); i < 0 || k < 0 || i > k {
			t.Errorf("%s does not stand before %s in %s", order[0], order[1], got)
		}
	}
	matched := map[string]bool{}
	for _, tr := range p.Explain("", fact.Example(call("send_money", args{}), fact.Labels{Untrusted: true}, fact.AskedNot, nil)) {
		if tr.Matched {
			matched[tr.ID] = true
		}
	}
	if diff := cmp.Diff(map[string]bool{"mine": true, "unasked": true}, matched); diff != "" {
		t.Error(diff)
	}
}

func TestNarrowest(t *testing.T) {
	c := new(talk).user("Mail what is new.").tool("get_emails", args{}, inbox)
	allowed := call("send_email", args{"recipients": []string{"eve@evil.test"}, "subject": "Hi: \"you\"", "body": "Hello"})
	v := c.judge(policy.Default(), allowed)
	if v.Action != llm.ActionAsk {
		t.Fatalf("%s by %s", v.Action, v.Rule)
	}
	rule, err := policy.Narrowest(v.Facts, "", llm.ActionAllow)
	if err != nil {
		t.Fatal(err)
	}
	p := load(t, "version: 1\nallow:\n"+rule)
	for name, tc := range map[string]struct {
		call llm.ToolCall
		want bool
	}{
		"the same":            {allowed, true},
		"another text":        {call("send_email", args{"recipients": []string{"eve@evil.test"}, "subject": "Bye", "body": "Bye"}), true},
		"another recipient":   {call("send_email", args{"recipients": []string{"mallory@evil.test"}}), false},
		"one recipient more":  {call("send_email", args{"recipients": []string{"eve@evil.test", "mallory@evil.test"}}), false},
		"a copy to another":   {call("send_email", args{"recipients": []string{"eve@evil.test"}, "bcc": []string{"mallory@evil.test"}}), false},
		"a link in the text":  {call("send_email", args{"recipients": []string{"eve@evil.test"}, "body": "see www.evil.test"}), false},
		"another tool":        {call("forward_email", args{"recipients": []string{"eve@evil.test"}}), false},
		"without a recipient": {call("send_email", args{"subject": "Hi"}), false},
	} {
		v := c.judge(p, tc.call)
		if got := v.File == "policy.yaml"; got != tc.want {
			t.Errorf("%s: the rule decides: %v, want %v\n%s", name, got, tc.want, rule)
		}
	}
	// The answer to a question of the user's own rule counts as well, and no denial gives way.
	p = load(t, "version: 1\nask:\n  - {id: mine, tool: send_email, match: [{args: {}}]}\nallow:\n"+rule)
	if v := c.judge(p, allowed); v.Action != llm.ActionAllow {
		t.Errorf("answered once and for all: %s by %s", v.Action, v.Rule)
	}
	p = load(t, "version: 1\ndeny:\n  - {id: mine, tool: send_email, match: [{args: {}}]}\nallow:\n"+rule)
	if v := c.judge(p, allowed); v.Action != llm.ActionBlock {
		t.Errorf("denied all the same: %s by %s", v.Action, v.Rule)
	}
	shell := fact.Example(call("Bash", args{"command": "rm -rf build # \"x\" *"}), fact.Labels{}, fact.AskedNot, nil)
	if rule, err = policy.Narrowest(shell, "dev", llm.ActionAllow); err != nil {
		t.Fatal(err)
	}
	p = load(t, "version: 1\nallow:\n"+rule)
	if _, got := decide(p, "dev", call("Bash", args{"command": "rm -rf build # \"x\" *"}), fact.Labels{}, nil); !strings.HasPrefix(got, "answer-") {
		t.Errorf("by %s\n%s", got, rule)
	}
	if _, got := decide(p, "dev", call("Bash", args{"command": "rm -rf build"}), fact.Labels{}, nil); strings.HasPrefix(got, "answer-") {
		t.Errorf("another command by %s", got)
	}
}

// FuzzLoad checks that no file makes the loader panic, and that what loads can
// judge.
func FuzzLoad(f *testing.F) {
	f.Add("version: 1\ndeny:\n- {id: a, tool: x, when: [{arg: 'y[*]', regex: a, max: 1, from: [tool]}], match: [{args: {y: [1]}}]}\n", true)
	f.Add("version: 1\nprofiles: {a: {untrusted: true, results: {blocked: [{id: b, tool: '*', when: [{path: '[*].x', only: []}]}]}}}\n", false)
	f.Add("a: &a [*a]\n? {}\n: - !!merge <<", false)
	f.Fuzz(func(t *testing.T, text string, project bool) {
		p, err := policy.Load(policy.File{Name: "f", Data: []byte(text), Project: project})
		if (p == nil) == (err == nil) {
			t.Fatal("neither a policy nor an error")
		}
		if p == nil {
			return
		}
		decide(p, "a", call("x", args{"y": []any{1, "b@c.test"}}), fact.Labels{Untrusted: true}, nil)
		p.Result("a", "x", nil, `[{"x":1}]`)
		p.Rules()
	})
}
