package provider

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFilterRequestHeader(t *testing.T) {
	h := http.Header{}
	for line := range strings.Lines(`Accept-Encoding: gzip, br
Anthropic-Beta: a
Anthropic-Beta: b
Authorization: Bearer own
Connection: close, X-Named
Connection: x-other
X-Named: 1
X-Other: 1
Keep-Alive: 1
Proxy-Connection: 1
Proxy-Authorization: Basic x
Te: gzip, trailers
Trailer: X
Upgrade: h2c
Cookie: session=1
X-Archestra-Bypass: 1
X_Archestra_Profile: ../../x
Forwarded: host=evil.test
X-Forwarded-Host: evil.test
X_Forwarded_For: 1.2.3.4
X-Real-Ip: 1.2.3.4
X-Original-Url: /admin
X-Http-Method-Override: DELETE
X_Api_Key: second spelling
Content_length: 3
Transfer_Encoding: chunked
User-Agent: x
X-Stainless-Lang: go
Under_Score: stays
`) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		h[name] = append(h[name], value)
	}
	FilterRequestHeader(h)
	want := http.Header{
		"Accept-Encoding": {"gzip, br"}, "Anthropic-Beta": {"a", "b"}, "Authorization": {"Bearer own"}, "User-Agent": {"x"},
		"X-Stainless-Lang": {"go"}, "Under_Score": {"stays"}, "Te": {"trailers"},
	}
	if d := cmp.Diff(want, h); d != "" {
		t.Error(d)
	}
}

func TestFilterKeepsAWebSocket(t *testing.T) {
	h := http.Header{"Connection": {"keep-alive, Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Key": {"k"}}
	FilterRequestHeader(h)
	want := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Key": {"k"}}
	if d := cmp.Diff(want, h); d != "" {
		t.Error(d)
	}
}

// every is a client's header with a credential of every kind in it.
func every() http.Header {
	return http.Header{
		"Authorization": {"Bearer sk-openai"}, "X-Api-Key": {"sk-ant-x"}, "X-Goog-Api-Key": {"AIzaX"}, "Api-Key": {"0123456789abcdef0123456789abcdef"},
		"X-Auth-Token": {"t"}, "Proxy-Authorization": {"Basic x"}, "X-Amz-Security-Token": {"t"}, "X_api_key": {"v"},
		"Sec-Websocket-Protocol": {"realtime, openai-insecure-api-key.sk-x"}, "X-Other": {"stays"},
	}
}

func TestAuthorize(t *testing.T) {
	local := map[string]string{"ARCHESTRA_VLLM_BASE_URL": "http://localhost:1", "ARCHESTRA_OLLAMA_BASE_URL": "http://localhost:2"}
	with := func(more ...string) map[string]string {
		out := map[string]string{}
		for k, v := range local {
			out[k] = v
		}
		for i := 0; i < len(more); i += 2 {
			out[more[i]] = more[i+1]
		}
		return out
	}
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	realtime := http.Header{"Sec-Websocket-Protocol": {"realtime, openai-insecure-api-key.sk-x"}}
	for _, c := range []struct {
		name, provider string
		vars           map[string]string
		in, want       http.Header
		query          string
	}{
		{"all kinds to openai", "openai", local, every(),
			header("Authorization", "Bearer sk-openai", "Sec-Websocket-Protocol", "realtime, openai-insecure-api-key.sk-x", "X-Other", "stays"), ""},
		{"all kinds to anthropic", "anthropic", local, every(), header("X-Api-Key", "sk-ant-x", "Sec-Websocket-Protocol", "realtime", "X-Other", "stays"), ""},
		{"all kinds to gemini", "gemini", local, every(), header("X-Goog-Api-Key", "AIzaX", "Sec-Websocket-Protocol", "realtime", "X-Other", "stays"), ""},
		{"all kinds to vllm", "vllm", local, every(), header("Authorization", "Bearer sk-openai", "Sec-Websocket-Protocol", "realtime", "X-Other", "stays"), ""},

		{"the client's key wins", "xai", with("XAI_API_KEY", "server"), header("Authorization", "Bearer mine"), header("Authorization", "Bearer mine"), ""},
		{"the server's key", "xai", with("XAI_API_KEY", "server"), header(), header("Authorization", "Bearer server"), ""},
		{"the preferred variable", "xai", with("XAI_API_KEY", "second", "ARCHESTRA_CHAT_XAI_API_KEY", "first"), header(), header("Authorization", "Bearer first"), ""},
		{"an empty bearer is none", "openai", with("ARCHESTRA_CHAT_OPENAI_API_KEY", "server"), header("Authorization", "Bearer "), header("Authorization", "Bearer server"), ""},
		{"an empty key is none", "anthropic", with("ARCHESTRA_CHAT_ANTHROPIC_API_KEY", "server"), header("X-Api-Key", ""), header("X-Api-Key", "server"), ""},
		{"a record's is none", "openai", with("ARCHESTRA_CHAT_OPENAI_API_KEY", "server"), header("Authorization", "[redacted]"), header("Authorization", "Bearer server"), ""},
		{"a record's query is none", "gemini", with("ARCHESTRA_CHAT_GEMINI_API_KEY", "server"), header("X-Goog-Api-Key", "[redacted]"), header("X-Goog-Api-Key", "server"), "key=[redacted]"},
		{"another provider's key is none", "anthropic", with("ARCHESTRA_CHAT_ANTHROPIC_API_KEY", "server"), header("X-Goog-Api-Key", "AIzaX"), header("X-Api-Key", "server"), ""},
		{"a local server's key", "vllm", with("ARCHESTRA_CHAT_VLLM_API_KEY", "server"), header(), header("Authorization", "Bearer server"), ""},
		{"no key anywhere", "ollama", local, header("X-Other", "1"), header("X-Other", "1"), ""},

		{"anthropic by OAuth", "anthropic", with("ARCHESTRA_CHAT_ANTHROPIC_API_KEY", "server"), header("Authorization", "Bearer sk-ant-oat"), header("Authorization", "Bearer sk-ant-oat"), ""},
		{"anthropic's both", "anthropic", local, header("Authorization", "Bearer sk-ant-oat", "X-Api-Key", "k"), header("Authorization", "Bearer sk-ant-oat", "X-Api-Key", "k"), ""},
		{"a gateway's bearer beside a key", "anthropic", local, header("Authorization", "Bearer opaque", "X-Api-Key", "k"), header("Authorization", "Bearer opaque", "X-Api-Key", "k"), ""},

		{"gemini by query", "gemini", with("ARCHESTRA_CHAT_GEMINI_API_KEY", "server"), header(), header(), "alt=sse&key=AIzaX"},
		{"gemini by an empty query key", "gemini", with("ARCHESTRA_CHAT_GEMINI_API_KEY", "server"), header(), header("X-Goog-Api-Key", "server"), "key="},
		{"gemini's OpenAI endpoint", "gemini", with("ARCHESTRA_CHAT_GEMINI_API_KEY", "server"), header("Authorization", "Bearer AIzaX"), header("Authorization", "Bearer AIzaX"), ""},
		{"an OpenAI key to gemini", "gemini", with("ARCHESTRA_CHAT_GEMINI_API_KEY", "server"), header("Authorization", "Bearer sk-x"), header("X-Goog-Api-Key", "server"), ""},

		{"Azure's key", "openai", with("ARCHESTRA_CHAT_OPENAI_API_KEY", "server"), header("Api-Key", "0123456789abcdef0123456789abcdef"), header("Api-Key", "0123456789abcdef0123456789abcdef"), ""},
		{"a key in Azure's header that is not Azure's", "openai", with("ARCHESTRA_CHAT_OPENAI_API_KEY", "server"), header("Api-Key", "sk-whatever"), header("Authorization", "Bearer server"), ""},
		{"a browser's key for realtime", "openai", with("ARCHESTRA_CHAT_OPENAI_API_KEY", "server"), realtime, realtime, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := upstream(t, c.provider, c.vars)
			req := httptest.NewRequest(http.MethodPost, "/", nil)
			req.URL, req.Header = u.URL("/x", c.query), c.in.Clone()
			FilterRequestHeader(req.Header)
			if err := u.Authorize(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, req.Header); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestBoundToItsHost: a credential leaves for the provider's own host only.
func TestBoundToItsHost(t *testing.T) {
	u := upstream(t, "openai", map[string]string{"ARCHESTRA_CHAT_OPENAI_API_KEY": "server-key"})
	for _, to := range []string{"https://evil.test/v1/x", "http://api.openai.com/v1/x", "https://api.openai.com:8443/v1/x", "https://api.openai.com.evil.test/"} {
		req := httptest.NewRequest(http.MethodPost, to, nil)
		if err := u.Authorize(t.Context(), req); err == nil || req.Header.Get("Authorization") != "" {
			t.Errorf("%s: %v, %v", to, err, req.Header)
		}
	}
}

func TestCredentialHeader(t *testing.T) {
	for name, want := range map[string]bool{
		"Authorization": true, "x-api-key": true, "X_API_KEY": true, "Cookie": true, "Set-Cookie": true, "X-Archestra-Token": true,
		"Sec-WebSocket-Protocol": true, "X-Some-Api-Key": true, "Content-Type": false, "Anthropic-Version": false, "User-Agent": false,
	} {
		if got := CredentialHeader(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// FuzzFilterRequestHeader: whatever the header, nothing of one connection, no
// claim and no second spelling stays, and filtering twice changes nothing.
func FuzzFilterRequestHeader(f *testing.F) {
	f.Add("Connection", "x-a, close", "X-A", "1")
	f.Add("X_Forwarded-Host", "evil", "Te", "trailers")
	f.Add("Upgrade", "WebSocket", "Connection", "upgrade,keep-alive")
	f.Fuzz(func(t *testing.T, n1, v1, n2, v2 string) {
		h := http.Header{}
		h.Add(n1, v1)
		h.Add(n2, v2)
		FilterRequestHeader(h)
		for name, values := range h {
			d := dashed(name)
			switch {
			case claims[d], strings.HasPrefix(d, "X-Forwarded-"), strings.HasPrefix(d, "X-Archestra-"):
				t.Errorf("%q stays", name)
			case contains(hopByHop, d):
				ok := name == "Connection" && values[0] == "Upgrade" || name == "Upgrade" && values[0] == "websocket" || name == "Te" && values[0] == "trailers"
				if !ok || len(values) > 1 {
					t.Errorf("%q: %q stays", name, values)
				}
			}
		}
		again := h.Clone()
		FilterRequestHeader(again)
		if d := cmp.Diff(h, again); d != "" {
			t.Error(d)
		}
	})
}
