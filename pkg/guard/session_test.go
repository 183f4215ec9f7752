package guard

import (
	"regexp"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/pkg/policy"
	"github.com/archestra-ai/archestra-cli/pkg/secret"
	"github.com/archestra-ai/archestra-cli/pkg/wire"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openaichat"
	"github.com/archestra-ai/archestra-cli/pkg/wire/openairesponses"
)

// TestPlaceholdersLast: a value has one placeholder in every turn of a conversation,
// however short its first request was, and another in another conversation.
func TestPlaceholdersLast(t *testing.T) {
	const token = "ghp_Zk3vQ9xW2mT7rB5nL8sD1fG6hJ4pC0yAeUiO"
	d, err := secret.New(secret.Options{Secrets: true})
	if err != nil {
		t.Fatal(err)
	}
	rules := policy.Default()
	g := New(Options{Act: true, Policy: func() *policy.Policy { return rules }, Detector: d, Secrets: Redact})
	placeholder := regexp.MustCompile(`REDACTED_\w+`)
	send := func(opening, body string) string {
		t.Helper()
		x := g.Begin(Target{Provider: "openai", Profile: "p", Format: openaichat.New()})
		l := x.Request([]byte(body), nil, "", opening)
		if l.Refusal != nil || strings.Contains(string(l.Send), token) {
			t.Fatalf("%+v: %s", l.Refusal, l.Send)
		}
		all := placeholder.FindAllString(string(l.Send), -1)
		for _, p := range all[1:] {
			if p != all[0] {
				t.Errorf("one value has several placeholders: %q", all)
			}
		}
		return all[0]
	}
	const first = `{"role":"user","content":"My key is ` + token + `."}`
	one := send("k1", `{"messages":[`+first+`],"model":"m"}`)
	two := send("k2", `{"messages":[`+first+`,{"role":"assistant","content":"It is `+token+`, then."},{"role":"user","content":"Say `+token+` again."}],"model":"m","stream":true}`)
	other := send("k1", `{"messages":[{"role":"user","content":"Another talk about `+token+`."}],"model":"m"}`)
	if one != two || one == other {
		t.Errorf("the placeholders are %q, %q, and elsewhere %q", one, two, other)
	}
}

// TestPlaceholdersHeld: where the provider keeps the history, an answer to a request
// that only names it has its placeholders restored.
func TestPlaceholdersHeld(t *testing.T) {
	const token = "ghp_Zk3vQ9xW2mT7rB5nL8sD1fG6hJ4pC0yAeUiO"
	d, err := secret.New(secret.Options{Secrets: true})
	if err != nil {
		t.Fatal(err)
	}
	rules := policy.Default()
	g := New(Options{Act: true, Policy: func() *policy.Policy { return rules }, Detector: d, Secrets: Redact})
	begin := func(profile string) *Exchange {
		return g.Begin(Target{Provider: "openai", Profile: profile, Format: openairesponses.New()})
	}
	x := begin("p")
	l := x.Request([]byte(`{"model":"m","input":"My key is `+token+`."}`), nil, "", "")
	placeholder := regexp.MustCompile(`REDACTED_\w+`).FindString(string(l.Send))
	x.Answer(&llm.Answer{ID: "resp_1"})
	answer := `{"id":"resp_2","object":"response","status":"completed","model":"m","output":[{"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"It is ` + placeholder + `.","annotations":[]}]}]}`
	for _, tt := range []struct {
		profile, previous string
		restored          bool
	}{{"p", "resp_1", true}, {"p", "resp_2", true}, {"p", "resp_9", false}, {"other", "resp_1", false}} {
		x := begin(tt.profile)
		l := x.Request([]byte(`{"model":"m","previous_response_id":"`+tt.previous+`","input":"Say it again."}`), nil, "", "")
		if l.Refusal != nil {
			t.Fatal(l.Refusal)
		}
		got, err := x.Body(t.Context(), []byte(answer))
		if err != nil || strings.Contains(string(got.Out), token) != tt.restored {
			t.Errorf("%s, %s: %v, %s", tt.profile, tt.previous, err, got.Out)
		}
		if tt.restored {
			x.Answer(&llm.Answer{ID: "resp_2"})
		}
	}
}

// TestFindingsOnce: a conversation tells of a secret once, however often its history
// repeats it, and every conversation does.
func TestFindingsOnce(t *testing.T) {
	const token = "ghp_Zk3vQ9xW2mT7rB5nL8sD1fG6hJ4pC0yAeUiO"
	d, err := secret.New(secret.Options{Secrets: true})
	if err != nil {
		t.Fatal(err)
	}
	rules := policy.Default()
	g := New(Options{Act: true, Policy: func() *policy.Policy { return rules }, Detector: d, Secrets: Report})
	found := func(profile, client string, format wire.Format, body string) int {
		x := g.Begin(Target{Provider: "openai", Profile: profile, Format: format})
		x.Request([]byte(body), nil, client, "")
		return len(x.Findings())
	}
	const first = `{"role":"user","content":"My key is ` + token + `."}`
	const short, long = `{"messages":[` + first + `]}`, `{"messages":[` + first + `,{"role":"assistant","content":"I see."},{"role":"user","content":"Go on."}]}`
	chat := openaichat.New()
	for _, tt := range []struct {
		profile, client string
		format          wire.Format
		body            string
		want            int
	}{
		{"p", "", chat, short, 1}, {"p", "", chat, long, 0}, {"p", "", chat, short, 0},
		{"q", "", chat, short, 1}, {"p", "session", chat, long, 1}, {"p", "session", chat, long, 0},
		{"p", "", nil, short, 1}, {"p", "", nil, short, 1},
	} {
		if got := found(tt.profile, tt.client, tt.format, tt.body); got != tt.want {
			t.Errorf("%+v: %d findings", tt, got)
		}
	}
}
