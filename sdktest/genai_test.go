package sdktest

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cloud.google.com/go/auth/credentials"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/genai"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

// geminis are the ways to reach Gemini: AI Studio and Vertex AI, each directly
// and through archestra. A client of an archestra in Vertex mode speaks as if to
// AI Studio, and has no credentials.
func geminis(t *testing.T) map[string]*genai.Client {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key.json")
	key, err := sim.ServiceAccountKey(simURL)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, key, 0o600); err != nil {
		t.Fatal(err)
	}
	creds, err := credentials.DetectDefault(&credentials.DetectOptions{
		CredentialsFile: file, Scopes: []string{"https://www.googleapis.com/auth/cloud-platform"},
	})
	if err != nil {
		t.Fatal(err)
	}
	configs := map[string]*genai.ClientConfig{"vertex direct": {
		Backend: genai.BackendVertexAI, Project: "simulated-project", Location: "us-central1", Credentials: creds,
		HTTPOptions: genai.HTTPOptions{BaseURL: simURL + "/vertex"},
	}}
	for _, to := range targets {
		configs["studio "+to.name] = &genai.ClientConfig{
			Backend: genai.BackendGeminiAPI, APIKey: geminiKey, HTTPOptions: genai.HTTPOptions{BaseURL: to.gemini},
		}
		if to.vertex != "" {
			configs["vertex "+to.name] = &genai.ClientConfig{
				Backend: genai.BackendGeminiAPI, APIKey: "not-needed", HTTPOptions: genai.HTTPOptions{BaseURL: to.vertex},
			}
		}
	}
	clients := map[string]*genai.Client{}
	once := int32(1)
	for name, config := range configs {
		config.HTTPOptions.RetryOptions = &genai.HTTPRetryOptions{Attempts: &once}
		if clients[name], err = genai.NewClient(t.Context(), config); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return clients
}

func eachGemini(t *testing.T, f func(t *testing.T, c *genai.Client)) {
	t.Helper()
	for name, c := range geminis(t) {
		t.Run(name, func(t *testing.T) { f(t, c) })
	}
}

const geminiModel = "gemini-2.5-flash"

var geminiTools = &genai.GenerateContentConfig{Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{
	Name: "get_weather", Parameters: &genai.Schema{Type: genai.TypeObject},
}}}}}

func geminiCalls(t *testing.T, calls []*genai.FunctionCall) []call {
	t.Helper()
	var all []call
	for _, c := range calls {
		b, err := json.Marshal(c.Args)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, call{c.Name, string(b)})
	}
	return all
}

func TestGeminiGenerate(t *testing.T) {
	eachGemini(t, func(t *testing.T, c *genai.Client) {
		contents := genai.Text(twoCalls)
		res, err := c.Models.GenerateContent(t.Context(), geminiModel, contents, geminiTools)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(wantCalls, geminiCalls(t, res.FunctionCalls())); d != "" {
			t.Error(d)
		}
		turn := res.Candidates[0].Content
		if turn.Parts[0].Text != "Let me look." || res.Candidates[0].FinishReason != genai.FinishReasonStop {
			t.Errorf("%q, %s", turn.Parts[0].Text, res.Candidates[0].FinishReason)
		}
		var results []*genai.Part
		signed := false
		for _, p := range turn.Parts {
			signed = signed || len(p.ThoughtSignature) > 0
			if p.FunctionCall != nil {
				results = append(results, genai.NewPartFromFunctionResponse(p.FunctionCall.Name, map[string]any{"degrees": 20}))
			}
		}
		if !signed {
			t.Error("no thought signature")
		}
		contents = append(contents, turn, genai.NewContentFromParts(results, genai.RoleUser))
		if res, err = c.Models.GenerateContent(t.Context(), geminiModel, contents, geminiTools); err != nil {
			t.Fatal(err)
		}
		if u := res.UsageMetadata; res.Text() != "Mild everywhere." || u.PromptTokenCount != 100 || u.CandidatesTokenCount != 20 || u.CachedContentTokenCount != 40 {
			t.Errorf("the second turn: %q, %+v", res.Text(), u)
		}
	})
}

func TestGeminiStream(t *testing.T) {
	eachGemini(t, func(t *testing.T, c *genai.Client) {
		var text string
		var calls []*genai.FunctionCall
		var last *genai.GenerateContentResponse
		for res, err := range c.Models.GenerateContentStream(t.Context(), geminiModel, genai.Text(twoCalls), geminiTools) {
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range res.Candidates[0].Content.Parts {
				text += p.Text
			}
			calls = append(calls, res.FunctionCalls()...)
			last = res
		}
		if d := cmp.Diff(wantCalls, geminiCalls(t, calls)); d != "" || text != "Let me look." {
			t.Errorf("%q %s", text, d)
		}
		if last.Candidates[0].FinishReason != genai.FinishReasonStop || last.UsageMetadata.CandidatesTokenCount == 0 {
			t.Errorf("the last chunk: %+v", last.Candidates[0])
		}
	})
}

func TestGeminiRest(t *testing.T) {
	eachGemini(t, func(t *testing.T, c *genai.Client) {
		n, err := c.Models.CountTokens(t.Context(), geminiModel, genai.Text("one two three"), nil)
		if err != nil || n.TotalTokens != 3 {
			t.Errorf("countTokens: %v %+v", err, n)
		}
	})
	each(t, func(t *testing.T, to target) {
		c := geminis(t)["studio "+to.name]
		e, err := c.Models.EmbedContent(t.Context(), "gemini-embedding-001", genai.Text("hello"), nil)
		if err != nil || len(e.Embeddings) != 1 || len(e.Embeddings[0].Values) != 16 {
			t.Errorf("embeddings: %v %+v", err, e)
		}
		list, err := c.Models.List(t.Context(), nil)
		if err != nil || len(list.Items) != 1 || list.Items[0].Name != "models/"+geminiModel {
			t.Errorf("models: %v %+v", err, list)
		}
	})
}

func TestGeminiErrors(t *testing.T) {
	eachGemini(t, func(t *testing.T, c *genai.Client) {
		ask := map[string]func(words string) error{
			"generate": func(w string) error {
				_, err := c.Models.GenerateContent(t.Context(), geminiModel, genai.Text(w), nil)
				return err
			},
			"stream": func(w string) error {
				for _, err := range c.Models.GenerateContentStream(t.Context(), geminiModel, genai.Text(w), nil) {
					if err != nil {
						return err
					}
					t.Error("a chunk of a failed stream")
				}
				return nil
			},
		}
		for api, f := range ask {
			for _, want := range failures {
				var e genai.APIError
				if err := f(want.script()); !errors.As(err, &e) {
					t.Errorf("%s %d: %T %v", api, want.status, err, err)
					continue
				}
				if e.Code != want.status || e.Status != want.google || e.Message != words {
					t.Errorf("%s %d: %d %q %q", api, want.status, e.Code, e.Status, e.Message)
				}
			}
		}
		var e genai.APIError
		chunks := 0
		for _, err := range c.Models.GenerateContentStream(t.Context(), geminiModel, genai.Text(`[[sim: text "a b c d" | error-midstream 503]]`), nil) {
			if err != nil {
				if !errors.As(err, &e) {
					t.Errorf("in mid stream: %T %v", err, err)
				}
				break
			}
			chunks++
		}
		if e.Code != http.StatusServiceUnavailable || e.Status != "UNAVAILABLE" || chunks != 2 {
			t.Errorf("an error after %d chunks: %+v", chunks, e)
		}
	})
}

func TestGeminiWrongKey(t *testing.T) {
	each(t, func(t *testing.T, to target) {
		c, err := genai.NewClient(t.Context(), &genai.ClientConfig{
			Backend: genai.BackendGeminiAPI, APIKey: "AIza-other", HTTPOptions: genai.HTTPOptions{BaseURL: to.gemini},
		})
		if err != nil {
			t.Fatal(err)
		}
		var e genai.APIError
		if _, err := c.Models.GenerateContent(t.Context(), geminiModel, genai.Text("hi"), nil); !errors.As(err, &e) || e.Code != 400 || !contains(e.Message, "API key not valid") {
			t.Errorf("%v", err)
		}
	})
}
