package tui

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/archestra-ai/archestra-cli/pkg/control"
	"github.com/archestra-ai/archestra-cli/pkg/llm"
	"github.com/archestra-ai/archestra-cli/tui/paint"
)

func TestCURL(t *testing.T) {
	for api, want := range map[llm.API]string{
		llm.APIMessages:        `-H "x-api-key: $ANTHROPIC_API_KEY"`,
		llm.APIChatCompletions: `-H "Authorization: Bearer $OPENAI_API_KEY"`,
		llm.APIGenerateContent: `-H "x-goog-api-key: $GEMINI_API_KEY"`,
	} {
		i := sample(1)
		i.API, i.Provider = api, map[llm.API]string{llm.APIMessages: "anthropic", llm.APIChatCompletions: "openai", llm.APIGenerateContent: "gemini"}[api]
		got := curl(i, []byte(`{"a":"it's"}`), "http://localhost:9000/v1")
		for _, w := range []string{want, "'http://localhost:9000/v1/anthropic/dev/v1/messages'", `'{"a":"it'\''s"}'`} {
			if !strings.Contains(got, w) {
				t.Errorf("%s: no %s in\n%s", api, w, got)
			}
		}
	}
}

// TestCURLInShell asserts that whatever was recorded stays one word for a shell.
func TestCURLInShell(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell")
	}
	i := sample(1)
	i.Provider = "x;touch evil"
	i.Path = "/v1/$(id)/`id`/';id;'"
	i.Method = "GET;id"
	body := "{\"a\":\"'; id; '$(id)`id`\\\\\"}"
	command := "curl() { for a; do printf '%s\\n' \"$a\"; done; }; " + curl(i, []byte(body), "http://localhost:9000/v1")
	out, err := exec.Command(sh, "-c", command).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []string{"GET;id\n", "http://localhost:9000/v1/$(id)/`id`/';id;'\n", body + "\n"} {
		if !strings.Contains(string(out), w) {
			t.Errorf("no %q in\n%s", w, out)
		}
	}
	if strings.Contains(string(out), "uid=") {
		t.Errorf("a command ran:\n%s", out)
	}
}

func TestHarmless(t *testing.T) {
	if got := harmless("a\x1b[201~b\r\u009bc\td\n\x7f"); got != "a[201~bc\td\n" {
		t.Errorf("%q", got)
	}
}

// TestResend sends a request again and compares both when the answer is there.
func TestResend(t *testing.T) {
	var got *http.Request
	var body []byte
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
	}))
	defer proxy.Close()
	f := newFake()
	f.all = traffic()
	f.conv[id(0)], f.conv[id(9)] = talkOf(), talkOf()
	f.bodies[control.SideRequest] = []byte(`{"model":"x"}`)
	s := newScreen(t, f, 120, 30, paint.Look{})
	s.m.opts.BaseURL = proxy.URL
	f.noStatus = true
	s.attach(f.all...)
	s.press("g", "r")
	s.shows("Send this request again?")
	s.press("n", "r", "y")
	if got == nil {
		t.Fatal("nothing was sent")
	}
	if got.URL.Path != "/v1/anthropic/dev/v1/messages" || string(body) != `{"model":"x"}` || got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s, %v, %s", got.URL.Path, got.Header, body)
	}
	again := sample(9)
	again.Client.UserAgent = got.UserAgent()
	f.all = append(f.all, again)
	s.attach(again)
	s.shows("sent before", "Cache", "Answers")
}

func TestResendable(t *testing.T) {
	for name, want := range map[string]bool{"Content-Type": true, "Anthropic-Beta": true, "Host": false, "Origin": false,
		"Sec-Fetch-Site": false, "Content-Length": false, "Cookie": false} {
		if resendable(name) != want {
			t.Errorf("%s is sent again: %t", name, !want)
		}
	}
}

func TestClipboardProgram(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if got := clipboardProgram(func(string) string { return "" }); got != nil {
		t.Errorf("%q", got)
	}
	if got := clipboardProgram(func(string) string { return "set" }); got != nil {
		t.Errorf("over SSH: %q", got)
	}
}
