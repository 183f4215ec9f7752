package sdktest

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	"github.com/openai/openai-go/v3"
	openaioption "github.com/openai/openai-go/v3/option"
	"google.golang.org/genai"
)

// raised is an error as an SDK raises it: with the status, and the provider's
// kind and words.
type raised struct {
	status        int
	kind, message string
	requests      int // how often the SDK asked, its retries included
}

// asker sends one request with an SDK that retries as it is made to, through a
// transport that spoils it.
type asker func(t *testing.T, base, words string, spoil func(*http.Request)) raised

// spoiler is a transport that changes each request, and counts them.
type spoiler struct {
	change func(*http.Request)
	n      int
}

func (s *spoiler) RoundTrip(r *http.Request) (*http.Response, error) {
	s.n++
	r = r.Clone(r.Context())
	if s.change != nil {
		s.change(r)
	}
	return http.DefaultTransport.RoundTrip(r)
}

var askers = map[string]asker{
	"openai": func(t *testing.T, base, words string, spoil func(*http.Request)) raised {
		s := &spoiler{change: spoil}
		c := openai.NewClient(openaioption.WithBaseURL(base), openaioption.WithAPIKey(openaiKey), openaioption.WithHTTPClient(&http.Client{Transport: s}))
		_, err := c.Chat.Completions.New(t.Context(), chat(words))
		var e *openai.Error
		if !errors.As(err, &e) {
			t.Fatalf("%T %v", err, err)
		}
		return raised{e.StatusCode, e.Type, e.Message, s.n}
	},
	"anthropic": func(t *testing.T, base, words string, spoil func(*http.Request)) raised {
		s := &spoiler{change: spoil}
		c := anthropic.NewClient(anthropicoption.WithoutEnvironmentDefaults(), anthropicoption.WithBaseURL(base),
			anthropicoption.WithAPIKey(anthropicKey), anthropicoption.WithHTTPClient(&http.Client{Transport: s}))
		_, err := c.Messages.New(t.Context(), message(words))
		var e *anthropic.Error
		if !errors.As(err, &e) {
			t.Fatalf("%T %v", err, err)
		}
		return raised{e.StatusCode, string(e.Type()), e.RawJSON(), s.n}
	},
	"gemini": func(t *testing.T, base, words string, spoil func(*http.Request)) raised {
		s := &spoiler{change: spoil}
		c, err := genai.NewClient(t.Context(), &genai.ClientConfig{
			Backend: genai.BackendGeminiAPI, APIKey: geminiKey, HTTPClient: &http.Client{Transport: s}, HTTPOptions: genai.HTTPOptions{BaseURL: base},
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Models.GenerateContent(t.Context(), geminiModel, genai.Text(words), nil)
		var e genai.APIError
		if !errors.As(err, &e) {
			t.Fatalf("%T %v", err, err)
		}
		return raised{e.Code, e.Status, e.Message, s.n}
	},
}

// TestRefusals: what archestra itself refuses is an error of the SDK's own kind,
// says what is wrong, is not tried again, and never reaches the provider.
func TestRefusals(t *testing.T) {
	kinds := map[int]map[string]string{
		400: {"openai": "invalid_request_error", "anthropic": "invalid_request_error", "gemini": "INVALID_ARGUMENT"},
		403: {"openai": "permission_error", "anthropic": "permission_error", "gemini": "PERMISSION_DENIED"},
		404: {"openai": "not_found_error", "anthropic": "not_found_error", "gemini": "NOT_FOUND"},
		413: {"openai": "request_too_large", "anthropic": "request_too_large", "gemini": "INVALID_ARGUMENT"},
	}
	for _, to := range targets {
		if !to.archestra {
			continue
		}
		for sdk, ask := range askers {
			tests := map[string]struct {
				base   string
				words  string
				spoil  func(*http.Request)
				status int
				says   string
			}{
				"unknown provider": {to.root + "/v1/nosuch/" + profile, "hi", nil, 404, "openai"},
				"bad profile":      {to.root + "/v1/" + sdk + "/-bad-", "hi", nil, 404, "profile"},
				"host":             {to.root + "/v1/" + sdk + "/" + profile, "hi", func(r *http.Request) { r.Host = "rebound.example" }, 403, "Host"},
				"origin":           {to.root + "/v1/" + sdk + "/" + profile, "hi", func(r *http.Request) { r.Header.Set("Origin", "https://page.example") }, 403, "Web pages"},
				"cross site":       {to.root + "/v1/" + sdk + "/" + profile, "hi", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403, "Web pages"},
				"too large":        {to.root + "/v1/" + sdk + "/" + profile, strings.Repeat("word ", maxBody/5), nil, 413, "larger"},
			}
			for name, tt := range tests {
				t.Run(sdk+"/"+name, func(t *testing.T) {
					before := len(sim.Requests())
					got := ask(t, tt.base, tt.words, tt.spoil)
					if got.status != tt.status || got.kind != kinds[tt.status][sdk] {
						t.Errorf("%d %q, want %d %q: %s", got.status, got.kind, tt.status, kinds[tt.status][sdk], got.message)
					}
					if !strings.Contains(got.message, tt.says) {
						t.Errorf("no %q in the message: %s", tt.says, got.message)
					}
					if got.requests != 1 {
						t.Errorf("asked %d times", got.requests)
					}
					if n := len(sim.Requests()) - before; n != 0 {
						t.Errorf("%d requests reached the provider", n)
					}
				})
			}
		}
	}
}

// TestMalformedJSON: whoever refuses it, archestra or the provider, the SDK
// raises its own kind of error.
func TestMalformedJSON(t *testing.T) {
	each(t, func(t *testing.T, to target) {
		const broken = `{"model": "m", "messages": [`
		var oe *openai.Error
		oc := openaiClient(to)
		if _, err := oc.Chat.Completions.New(t.Context(), chat(""), openaioption.WithRequestBody("application/json", []byte(broken))); !errors.As(err, &oe) || oe.StatusCode != 400 || oe.Type != "invalid_request_error" || oe.Message == "" {
			t.Errorf("openai: %v", err)
		}
		var ae *anthropic.Error
		ac := anthropicClient(to)
		if _, err := ac.Messages.New(t.Context(), message(""), anthropicoption.WithRequestBody("application/json", []byte(broken))); !errors.As(err, &ae) || ae.StatusCode != 400 || ae.Type() != "invalid_request_error" {
			t.Errorf("anthropic: %v", err)
		}
	})
}

// TestKeepAlives pins what each SDK's parser of streams bears while it waits: a
// proxy that holds a call may send only that. Google's takes no comments, and
// ends with an error at the first. It cuts the stream at double line ends and
// passes over an empty piece, so that two line ends, of the stream's own kind,
// are what may be sent to it.
func TestKeepAlives(t *testing.T) {
	const script = `[[sim: text "a b" | comments]]`
	each(t, func(t *testing.T, to target) {
		oc := openaiClient(to)
		os := oc.Chat.Completions.NewStreaming(t.Context(), chat(script))
		var text string
		for os.Next() {
			if c := os.Current().Choices; len(c) > 0 {
				text += c[0].Delta.Content
			}
		}
		if os.Err() != nil || text != "a b" {
			t.Errorf("openai: %q %v", text, os.Err())
		}
		ac := anthropicClient(to)
		as := ac.Messages.NewStreaming(t.Context(), message(script))
		text = ""
		for as.Next() {
			text += as.Current().Delta.Text
		}
		if as.Err() != nil || text != "a b" {
			t.Errorf("anthropic: %q %v", text, as.Err())
		}
		var err error
		for _, err = range geminis(t)["studio "+to.name].Models.GenerateContentStream(t.Context(), geminiModel, genai.Text(script), nil) {
			if err != nil {
				break
			}
		}
		if err == nil {
			t.Error("Google's SDK bears comments now: archestra may send them")
		}
		text = ""
		for res, err := range geminis(t)["studio "+to.name].Models.GenerateContentStream(t.Context(), geminiModel, genai.Text(`[[sim: text "a b" | blanks]]`), nil) {
			if err != nil {
				t.Fatalf("an empty line: %v", err)
			}
			text += res.Text()
		}
		if text != "a b" {
			t.Errorf("gemini: %q", text)
		}
	})
}
