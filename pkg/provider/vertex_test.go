package provider

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// tokenServer is a token endpoint of Google's kinds on loopback: JWT bearer and
// refresh token grants, STS exchange, and the metadata server.
type tokenServer struct {
	*httptest.Server
	issued atomic.Int32
	status atomic.Int32 // of a failure, or 0
}

func newTokenServer(t *testing.T) *tokenServer {
	s := &tokenServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if status := s.status.Load(); status != 0 {
			w.WriteHeader(int(status))
			fmt.Fprint(w, `{"error":"invalid_grant","error_description":"canary-assertion"}`)
			return
		}
		issue := func(kind string) {
			fmt.Fprintf(w, `{"access_token":"%s-%d","token_type":"Bearer","expires_in":3600,"issued_token_type":"urn:ietf:params:oauth:token-type:access_token"}`,
				kind, s.issued.Add(1))
		}
		switch r.URL.Path {
		case "/computeMetadata/v1/instance/service-accounts/default/token":
			if r.Header.Get("Metadata-Flavor") != "Google" || !strings.Contains(r.URL.Query().Get("scopes"), "cloud-platform") {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			issue("metadata")
		case "/computeMetadata/v1/project/project-id":
			fmt.Fprint(w, "metadata-project")
		case "/token":
			switch r.FormValue("grant_type") {
			case "urn:ietf:params:oauth:grant-type:jwt-bearer":
				if strings.Count(r.FormValue("assertion"), ".") != 2 {
					w.WriteHeader(http.StatusBadRequest)
					return
				}
				issue("service")
			case "refresh_token":
				issue("user-" + r.FormValue("refresh_token"))
			case "urn:ietf:params:oauth:grant-type:token-exchange":
				issue("federated-" + r.FormValue("subject_token"))
			default:
				w.WriteHeader(http.StatusBadRequest)
			}
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// file writes credentials of a type.
func (s *tokenServer) file(t *testing.T, kind string) string {
	t.Helper()
	dir := t.TempDir()
	var content map[string]any
	switch kind {
	case "service_account":
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		content = map[string]any{
			"project_id": "p", "private_key_id": "k", "client_email": "a@p.iam.gserviceaccount.com", "token_uri": s.URL + "/token",
			"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		}
	case "authorized_user":
		content = map[string]any{"client_id": "c", "client_secret": "s", "refresh_token": "r", "token_uri": s.URL + "/token", "quota_project_id": "payer"}
	case "external_account":
		subject := filepath.Join(dir, "subject")
		if err := os.WriteFile(subject, []byte("subject"), 0o600); err != nil {
			t.Fatal(err)
		}
		content = map[string]any{
			"audience":           "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x",
			"subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": s.URL + "/token",
			"credential_source": map[string]any{"file": subject},
		}
	}
	content["type"] = kind
	data, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "credentials.json")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func vertexUpstream(t *testing.T, more ...string) *Upstream {
	t.Helper()
	vars := map[string]string{"ARCHESTRA_GEMINI_VERTEX_AI_ENABLED": "true", "ARCHESTRA_GEMINI_VERTEX_AI_PROJECT": "p", "ARCHESTRA_CHAT_GEMINI_API_KEY": "AIzaServer"}
	for i := 0; i < len(more); i += 2 {
		vars[more[i]] = more[i+1]
	}
	return upstream(t, "gemini", vars)
}

const credentialsFile = "ARCHESTRA_GEMINI_VERTEX_AI_CREDENTIALS_FILE"

// authorize sends a client's header through Authorize, and returns what leaves.
func authorize(t *testing.T, u *Upstream, in http.Header) (http.Header, error) {
	t.Helper()
	req := httptest.NewRequest(http.MethodPost, "/", nil)
	req.URL, req.Header = u.URL("/v1beta/models/m:generateContent", "key=AIzaClient&alt=sse"), in
	if strings.Contains(req.URL.String(), "AIzaClient") || req.URL.RawQuery != "alt=sse" {
		t.Errorf("the query is %q", req.URL.RawQuery)
	}
	err := u.Authorize(t.Context(), req)
	return req.Header, err
}

func TestVertexCredentials(t *testing.T) {
	s := newTokenServer(t)
	for kind, want := range map[string]string{"service_account": "Bearer service-", "authorized_user": "Bearer user-r-", "external_account": "Bearer federated-subject-"} {
		t.Run(kind, func(t *testing.T) {
			u := vertexUpstream(t, credentialsFile, s.file(t, kind))
			h, err := authorize(t, u, http.Header{"X-Goog-Api-Key": {"AIzaClient"}, "Authorization": {"Bearer client"}, "X-Goog-User-Project": {"client"}})
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(h.Get("Authorization"), want) || h.Get("X-Goog-Api-Key") != "" {
				t.Errorf("%v", h)
			}
			payer := map[string]string{"authorized_user": "payer"}[kind]
			if h.Get("X-Goog-User-Project") != payer {
				t.Errorf("paid by %q", h.Get("X-Goog-User-Project"))
			}
			if u.State != StateReady || u.KeySource != credentialsFile {
				t.Errorf("%s, %s", u.State, u.KeySource)
			}
		})
	}
}

// TestVertexMetadata: with no file anywhere, the metadata server is asked, as in
// GKE's Workload Identity.
func TestVertexMetadata(t *testing.T) {
	s := newTokenServer(t)
	t.Setenv("GCE_METADATA_HOST", strings.TrimPrefix(s.URL, "http://"))
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
	t.Setenv("HOME", t.TempDir())
	t.Setenv("APPDATA", t.TempDir())
	h, err := authorize(t, vertexUpstream(t), http.Header{})
	if err != nil || !strings.HasPrefix(h.Get("Authorization"), "Bearer metadata-") {
		t.Errorf("%v, %v", h, err)
	}
}

func TestVertexFileByGooglesVariable(t *testing.T) {
	s := newTokenServer(t)
	h, err := authorize(t, vertexUpstream(t, "GOOGLE_APPLICATION_CREDENTIALS", s.file(t, "service_account")), http.Header{})
	if err != nil || !strings.HasPrefix(h.Get("Authorization"), "Bearer service-") {
		t.Errorf("%v, %v", h, err)
	}
}

func TestVertexOneRefresh(t *testing.T) {
	s := newTokenServer(t)
	u := vertexUpstream(t, credentialsFile, s.file(t, "service_account"))
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if h, err := authorize(t, u, http.Header{}); err != nil || h.Get("Authorization") != "Bearer service-1" {
				t.Errorf("%v, %v", h, err)
			}
		})
	}
	wg.Wait()
	if n := s.issued.Load(); n != 1 {
		t.Errorf("%d tokens were fetched", n)
	}
	// An upstream that refuses the token gets a new one next.
	req := httptest.NewRequest(http.MethodPost, "/", nil)
	req.Header.Set("Authorization", "Bearer service-1")
	u.Refused(req)
	if h, err := authorize(t, u, http.Header{}); err != nil || h.Get("Authorization") != "Bearer service-2" {
		t.Errorf("after a refusal: %v, %v", h, err)
	}
}

func TestVertexFailures(t *testing.T) {
	s := newTokenServer(t)
	good := s.file(t, "service_account")
	broken := filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(broken, []byte(`{"type":"service_account","private_key":"canary-key"`), 0o600); err != nil {
		t.Fatal(err)
	}
	strange := filepath.Join(t.TempDir(), "strange.json")
	if err := os.WriteFile(strange, []byte(`{"type":"strange","x":"canary"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	gone := newTokenServer(t)
	unreachable := gone.file(t, "service_account")
	gone.Close()
	for name, c := range map[string]struct {
		file   string
		fails  int32
		status int
		want   string
	}{
		"refused":     {good, 400, 401, "status 400 (invalid_grant)"},
		"unavailable": {good, 503, 503, "Try again"},
		"unreachable": {unreachable, 0, 503, "cannot be reached"},
		"missing":     {filepath.Join(t.TempDir(), "none.json"), 0, 401, "cannot read"},
		"broken":      {broken, 0, 401, "gcloud auth"},
		"strange":     {strange, 0, 401, "gcloud auth"},
	} {
		t.Run(name, func(t *testing.T) {
			s.status.Store(c.fails)
			defer s.status.Store(0)
			h, err := authorize(t, vertexUpstream(t, credentialsFile, c.file), http.Header{"X-Goog-Api-Key": {"AIzaClient"}})
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("%v", err)
			}
			if e.Status != c.status || !strings.Contains(e.Message, c.want) || !strings.Contains(e.Message, credentialsFile) || e.Format == nil {
				t.Errorf("%d %q", e.Status, e.Message)
			}
			if strings.Contains(e.Error(), "canary") {
				t.Errorf("%q repeats what is secret", e.Error())
			}
			if len(h) > 0 {
				t.Errorf("a header is left: %v", h)
			}
		})
	}
}

func TestVertexInTheList(t *testing.T) {
	s := newTokenServer(t)
	vars := map[string]string{"ARCHESTRA_GEMINI_VERTEX_AI_ENABLED": "true", "ARCHESTRA_GEMINI_VERTEX_AI_PROJECT": "p", credentialsFile: s.file(t, "service_account")}
	row := func() Status {
		t.Helper()
		rows, err := List(t.Context(), load(t, vars), true)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if r.Name == "gemini" {
				return r
			}
		}
		t.Fatal("no gemini")
		return Status{}
	}
	if r := row(); r.State != StateReady || r.Upstream != "https://us-central1-aiplatform.googleapis.com" {
		t.Errorf("%+v", r)
	}
	s.status.Store(400)
	if r := row(); r.State != StateNoKey || !strings.Contains(r.Why, "invalid_grant") {
		t.Errorf("%+v", r)
	}
}
