package simulate

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
)

const vertexPath = "/v1/projects/p/locations/us-central1/publishers/google/models/gemini-2.5-flash:generateContent"

// sources are Google's own client libraries, each with another kind of
// credentials, against the simulated endpoints.
func sources(t *testing.T, s *Server, url string) map[string]oauth2.TokenSource {
	t.Helper()
	ctx := context.WithValue(t.Context(), oauth2.HTTPClient, client(t))
	all := map[string]oauth2.TokenSource{}

	key, err := s.ServiceAccountKey(url)
	if err != nil {
		t.Fatal(err)
	}
	subject := filepath.Join(t.TempDir(), "subject")
	if err := os.WriteFile(subject, []byte(SubjectToken), 0o600); err != nil {
		t.Fatal(err)
	}
	files := map[string]struct {
		kind google.CredentialsType
		json []byte
	}{
		"service account":   {google.ServiceAccount, key},
		"external account":  {google.ExternalAccount, s.ExternalAccount(url, subject, false)},
		"with impersonator": {google.ExternalAccount, s.ExternalAccount(url, subject, true)},
	}
	for name, f := range files {
		c, err := google.CredentialsFromJSONWithType(ctx, f.json, f.kind, cloudPlatform)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = c.TokenSource
	}
	c, err := google.CredentialsFromJSONWithTypeAndParams(ctx, s.AuthorizedUser(), google.AuthorizedUser, google.CredentialsParams{
		Scopes: []string{cloudPlatform}, TokenURL: url + "/google/token",
	})
	if err != nil {
		t.Fatal(err)
	}
	all["authorized user"] = c.TokenSource

	t.Setenv("GCE_METADATA_HOST", strings.TrimPrefix(url, "http://"))
	all["metadata server"] = google.ComputeTokenSource("")
	return all
}

func TestGoogleTokens(t *testing.T) {
	s, url := newTestServer(t, Options{Now: time.Now})
	for name, src := range sources(t, s, url) {
		asked := s.TokenRequests()
		token, err := src.Token()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if s.TokenRequests() == asked {
			t.Errorf("%s: no request for a token was counted", name)
		}
		if left := time.Until(token.Expiry); left < 50*time.Minute || left > time.Hour+time.Minute {
			t.Errorf("%s: the token lives %v", name, left)
		}
		res := post(t, url+vertexPath, geminiBodyOf("Hi", false), "Authorization", "Bearer "+token.AccessToken)
		if res.status != 200 || !strings.Contains(res.body, "You said: Hi") || !strings.Contains(res.body, `"trafficType"`) {
			t.Errorf("%s: %d %s", name, res.status, res.body)
		}
	}
}

func TestGoogleTokensFail(t *testing.T) {
	s, url := newTestServer(t, Options{Now: time.Now})
	s.FailTokens(403)
	for name, src := range sources(t, s, url) {
		if name == "metadata server" {
			continue // its client tries again for long
		}
		if _, err := src.Token(); err == nil || !strings.Contains(err.Error(), "told to fail") {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.FailTokens(0)
	key, err := New(Options{}).ServiceAccountKey(url) // another key
	if err != nil {
		t.Fatal(err)
	}
	c, err := google.CredentialsFromJSONWithType(t.Context(), key, google.ServiceAccount, cloudPlatform)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.TokenSource.Token(); err == nil || !strings.Contains(err.Error(), "Invalid JWT Signature") {
		t.Errorf("a wrong signature: %v", err)
	}
}

func TestVertexTakesItsOwnTokensOnly(t *testing.T) {
	var passed atomic.Int64 // since the epoch
	s, url := newTestServer(t, Options{
		Now:      func() time.Time { return epoch.Add(time.Duration(passed.Load())) },
		TokenTTL: time.Minute,
	})
	fetch := func() string {
		res := do(t, http.MethodGet, url+"/computeMetadata/v1/instance/service-accounts/default/token", "", "Metadata-Flavor", "Google")
		v := parse(t, res.body)
		if number(v, "expires_in") != 60 {
			t.Errorf("expires_in: %s", res.body)
		}
		return text(v, "access_token")
	}
	ask := func(header ...string) int {
		res := post(t, url+vertexPath, geminiBodyOf("Hi", false), header...)
		if res.status != 200 && text(parse(t, res.body), "error", "status") != "UNAUTHENTICATED" {
			t.Errorf("%d %s", res.status, res.body)
		}
		return res.status
	}
	token := fetch()
	for name, tt := range map[string]struct {
		header []string
		want   int
	}{
		"its own": {[]string{"Authorization", "Bearer " + token}, 200},
		"none":    {nil, 401},
		"a key":   {[]string{"X-Goog-Api-Key", token}, 401},
		"foreign": {[]string{"Authorization", "Bearer ya29.other"}, 401},
	} {
		if got := ask(tt.header...); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
	passed.Store(int64(time.Minute))
	if got := ask("Authorization", "Bearer "+token); got != 401 {
		t.Errorf("a token past its time: %d", got)
	}
	token = fetch()
	s.Revoke()
	if got := ask("Authorization", "Bearer "+token); got != 401 {
		t.Errorf("a revoked token: %d", got)
	}
	if res := do(t, http.MethodGet, url+"/computeMetadata/v1/project/project-id", ""); res.status != 403 {
		t.Errorf("metadata without its header: %d", res.status)
	}
	if res := do(t, http.MethodGet, url+"/computeMetadata/v1/project/project-id", "", "Metadata-Flavor", "Google"); res.body != googleProject || res.header.Get("Metadata-Flavor") != "Google" {
		t.Errorf("the project: %d %q", res.status, res.body)
	}
}
