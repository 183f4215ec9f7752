package provider

import (
	"context"
	"net/http"
	"os"
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/config"
)

// vertex is Gemini by way of Vertex AI: other paths, and a credential that is
// the server's alone.
// Source: https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference.
type vertex struct {
	project, location string
	file, source      string // of the credentials; "" follows Google's search order
	tokens            *tokens
}

func newVertex(cfg *config.Config) *vertex {
	v := &vertex{project: cfg.Vertex.Project, location: cfg.Vertex.Location, file: cfg.Vertex.CredentialsFile}
	if v.file != "" {
		v.source = "ARCHESTRA_GEMINI_VERTEX_AI_CREDENTIALS_FILE"
	} else if file, origin, ok := cfg.Lookup("GOOGLE_APPLICATION_CREDENTIALS"); ok {
		v.file, v.source = file, origin
	}
	v.tokens = &tokens{fetch: func(ctx context.Context) (token, error) { return fetchGoogle(ctx, v.file) }}
	return v
}

// host is the address of a location.
// Source: https://cloud.google.com/vertex-ai/generative-ai/docs/learn/locations.
func (v *vertex) host() string {
	switch v.location {
	case "global":
		return "https://aiplatform.googleapis.com"
	case "us", "eu": // the multi-regions
		return "https://aiplatform." + v.location + ".rep.googleapis.com"
	}
	return "https://" + v.location + "-aiplatform.googleapis.com"
}

// describe tells where credentials will come from, without a call.
func (v *vertex) describe() (source string, state State, why string) {
	if v.file == "" {
		return "Application Default Credentials", StateReady, ""
	}
	if _, err := os.Stat(v.file); err != nil {
		return v.source, StateNoKey, "The credentials file that " + v.source + " names cannot be read."
	}
	return v.source, StateReady, ""
}

// path writes a path of the Gemini API as Vertex AI has it. The project and the
// location are always the configured ones, also where the client's path names
// others: the credential is the server's, and a client shall not choose what it
// is used for; the host serves its own location only.
//
// The version is v1, but v1beta1 where the client wrote v1beta1 or v1alpha: to
// write v1beta is no wish for a beta feature, since every Gemini SDK does.
func (v *vertex) path(rest string) string {
	version, after := nextWord(rest)
	switch version {
	case "v1", "v1beta":
		version = "v1"
	case "v1alpha", "v1beta1", "v1beta2", "v1beta3":
		version = "v1beta1"
	default:
		return rest
	}
	word, tail := nextWord(after)
	parent := "/projects/" + v.project + "/locations/" + v.location
	method := strings.Contains(tail, ":") || strings.Contains(strings.ToLower(tail), "%3a")
	switch {
	case word == "projects":
		_, tail = nextWord(tail) // the client's project
		if next, own := nextWord(tail); next == "locations" {
			_, tail = nextWord(own)
		}
		return "/" + version + parent + tail
	case word == "publishers" && method:
		return "/" + version + parent + "/publishers" + tail
	case word == "publishers":
		return "/" + version + "/publishers" + tail
	case word == "models" && method:
		return "/" + version + parent + "/publishers/google/models" + tail
	case word == "models" && tail != "":
		return "/" + version + "/publishers/google/models" + tail
	case word == "models": // only the beta lists models
		return "/v1beta1/publishers/google/models"
	case word == "openai":
		return "/" + version + parent + "/endpoints/openapi" + tail
	}
	return "/" + version + parent + after
}

// authorize attaches a fresh token, and the project that pays where the
// credentials name one.
func (v *vertex) authorize(ctx context.Context, out *http.Request) error {
	t, err := v.tokens.get(ctx)
	if err != nil {
		return v.explain(err)
	}
	out.Header.Set("Authorization", "Bearer "+t.value)
	out.Header.Del("X-Goog-User-Project")
	if t.quotaProject != "" {
		out.Header.Set("X-Goog-User-Project", t.quotaProject)
	}
	return nil
}
