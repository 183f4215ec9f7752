package simulate

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Identities that the simulated Google knows.
const (
	googleProject  = "simulated-project"
	googleEmail    = "simulated@simulated-project.iam.gserviceaccount.com"
	googleClientID = "simulated.apps.googleusercontent.com"
	googleSecret   = "simulated-client-secret" //nolint:gosec // opens nothing
	googleRefresh  = "simulated-refresh-token"
	googleSubject  = "simulated-subject-token"
	googleAudience = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q"
	cloudPlatform  = "https://www.googleapis.com/auth/cloud-platform"
)

// identity is the simulated Google that issues access tokens in each of the ways of Application Default
// Credentials: a signed JWT (RFC 7523), a refresh token, a token exchange
// (RFC 8693), the impersonation of a service account, and the metadata server.
type identity struct {
	mu     sync.Mutex
	tokens map[string]time.Time // issued, until when
	issued int
	asked  int
	status int // with which every request for a token fails; 0 means none does

	keyOnce sync.Once
	key     *rsa.PrivateKey
	keyErr  error
}

// signingKey makes the service account's key on its first use.
func (g *identity) signingKey() (*rsa.PrivateKey, error) {
	g.keyOnce.Do(func() { g.key, g.keyErr = rsa.GenerateKey(rand.Reader, 2048) })
	return g.key, g.keyErr
}

// ServiceAccountKey returns a service account's key file whose token endpoint is
// this server, reached at the base URL.
func (s *Server) ServiceAccountKey(base string) ([]byte, error) {
	key, err := s.google.signingKey()
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return indented(object{
		"type", "service_account", "project_id", googleProject, "private_key_id", "1",
		"private_key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"client_email", googleEmail, "client_id", "1",
		"auth_uri", base + "/google/auth", "token_uri", base + "/google/token", "universe_domain", "googleapis.com",
	}), nil
}

// AuthorizedUser returns a user's credentials file, as gcloud writes it, for a
// token source with the given TokenURL: such files name no endpoint.
func (s *Server) AuthorizedUser() []byte {
	return indented(object{
		"type", "authorized_user", "client_id", googleClientID, "client_secret", googleSecret,
		"refresh_token", googleRefresh, "universe_domain", "googleapis.com",
	})
}

// SubjectToken is the content of the file that ExternalAccount points at.
const SubjectToken = googleSubject

// ExternalAccount returns a workload identity federation's credentials file. The
// file at subjectTokenFile must hold SubjectToken. With impersonate the token
// that is exchanged is used to get one of a service account.
func (s *Server) ExternalAccount(base, subjectTokenFile string, impersonate bool) []byte {
	o := object{
		"type", "external_account", "audience", googleAudience,
		"subject_token_type", "urn:ietf:params:oauth:token-type:jwt",
		"token_url", base + "/google/sts/v1/token", "universe_domain", "googleapis.com",
		"credential_source", object{"file", subjectTokenFile},
	}
	if impersonate {
		o = o.with("service_account_impersonation_url",
			base+"/google/iam/v1/projects/-/serviceAccounts/"+googleEmail+":generateAccessToken")
	}
	return indented(o)
}

// Revoke makes all access tokens issued so far invalid.
func (s *Server) Revoke() {
	s.google.mu.Lock()
	defer s.google.mu.Unlock()
	s.google.tokens = nil
}

// TokenRequests returns how often an access token was asked for.
func (s *Server) TokenRequests() int {
	s.google.mu.Lock()
	defer s.google.mu.Unlock()
	return s.google.asked
}

// FailTokens makes every request for an access token fail with the given status;
// 0 ends that.
func (s *Server) FailTokens(status int) {
	s.google.mu.Lock()
	defer s.google.mu.Unlock()
	s.google.status = status
}

// valid reports whether a token was issued and still lives.
func (g *identity) valid(token string, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	until, ok := g.tokens[token]
	return ok && now.Before(until)
}

// issue makes a new access token.
func (g *identity) issue(until time.Time) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.issued++
	token := "ya29.simulated-" + strconv.Itoa(g.issued)
	if g.tokens == nil {
		g.tokens = map[string]time.Time{}
	}
	g.tokens[token] = until
	return token
}

// serve answers for the token endpoints and the metadata server.
func (g *identity) serve(x *exchange) {
	path := x.t.arg
	if rest, ok := strings.CutPrefix(path, "computeMetadata/v1/"); ok {
		g.metadata(x, rest)
		return
	}
	switch {
	case strings.HasSuffix(path, "sts/v1/token"), strings.HasSuffix(path, "google/token"):
		form, err := url.ParseQuery(string(x.body))
		if err != nil || x.r.Method != http.MethodPost {
			oauthError(x, http.StatusBadRequest, "invalid_request", "Bad Request")
			return
		}
		g.token(x, form)
	case strings.HasSuffix(path, ":generateAccessToken"):
		bearer, _ := bearerToken(x.r.Header)
		if !g.valid(bearer, x.s.now()) {
			x.fail(problem{Failure: Failure{Status: http.StatusUnauthorized}})
			return
		}
		until, ok := g.grant(x)
		if !ok {
			return
		}
		x.json(http.StatusOK, indented(object{
			"accessToken", g.issue(until), "expireTime", until.UTC().Format(time.RFC3339),
		}))
	default:
		x.fail(problem{Failure: Failure{Status: http.StatusNotFound}})
	}
}

// grant counts a request for a token, and fails it where the server was told
// to; else it returns until when the token lives.
func (g *identity) grant(x *exchange) (time.Time, bool) {
	g.mu.Lock()
	g.asked++
	status := g.status
	g.mu.Unlock()
	if status != 0 {
		code := "invalid_grant"
		if status >= 500 {
			code = "internal_failure"
		}
		oauthError(x, status, code, "The token endpoint was told to fail.")
		return time.Time{}, false
	}
	return x.s.now().Add(x.s.o.TokenTTL), true
}

func oauthError(x *exchange, status int, code, description string) {
	x.json(status, encode(object{"error", code, "error_description", description}))
}

// token answers the three grants.
func (g *identity) token(x *exchange, form url.Values) {
	until, ok := g.grant(x)
	if !ok {
		return
	}
	answer := object{}
	switch form.Get("grant_type") {
	case "urn:ietf:params:oauth:grant-type:jwt-bearer":
		if wrong := g.objection(form.Get("assertion"), x.s.now()); wrong != "" {
			oauthError(x, http.StatusBadRequest, "invalid_grant", wrong)
			return
		}
	case "refresh_token":
		id, secret := form.Get("client_id"), form.Get("client_secret")
		if user, password, ok := x.r.BasicAuth(); ok {
			id, secret = user, password
		}
		if id != googleClientID || secret != googleSecret {
			oauthError(x, http.StatusUnauthorized, "invalid_client", "The OAuth client was not found.")
			return
		}
		if form.Get("refresh_token") != googleRefresh {
			oauthError(x, http.StatusBadRequest, "invalid_grant", "Token has been expired or revoked.")
			return
		}
		answer = object{"scope", cloudPlatform}
	case "urn:ietf:params:oauth:grant-type:token-exchange":
		if form.Get("subject_token") != googleSubject || form.Get("audience") != googleAudience {
			oauthError(x, http.StatusBadRequest, "invalid_grant", "The audience or the subject token is invalid.")
			return
		}
		answer = object{"issued_token_type", "urn:ietf:params:oauth:token-type:access_token"}
	default:
		oauthError(x, http.StatusBadRequest, "unsupported_grant_type", "Invalid grant_type: "+form.Get("grant_type"))
		return
	}
	x.json(http.StatusOK, encode(object{
		"access_token", g.issue(until), "expires_in", int(x.s.o.TokenTTL / time.Second), "token_type", "Bearer",
	}.with(answer...)))
}

// objection tells, in Google's words, what is wrong with a service account's
// assertion, or nothing: developers.google.com/identity/protocols/oauth2/
// service-account.
func (g *identity) objection(assertion string, now time.Time) string {
	const badSignature = "Invalid JWT Signature."
	key, err := g.signingKey()
	if err != nil {
		return err.Error()
	}
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return "Invalid JWT: it does not have three parts."
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return badSignature
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signature) != nil {
		return badSignature
	}
	var claims struct {
		Iss, Aud, Scope string
		Exp             int64
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(payload, &claims)
	}
	switch {
	case err != nil:
		return "Invalid JWT: " + err.Error()
	case claims.Iss != googleEmail:
		return "Invalid grant: account not found"
	case !strings.HasSuffix(claims.Aud, "/google/token"):
		return "Invalid JWT: Failed audience check."
	case now.After(time.Unix(claims.Exp, 0)):
		return "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
	case !slices.Contains(strings.Fields(claims.Scope), cloudPlatform):
		return "Invalid OAuth scope or ID token audience provided."
	}
	return ""
}

// metadata answers as the metadata server of a virtual machine or of GKE,
// cloud.google.com/compute/docs/metadata/querying-metadata.
func (g *identity) metadata(x *exchange, path string) {
	x.w.Header().Set("Metadata-Flavor", "Google")
	text := func(s string) {
		(&delivery{w: x.w, ctx: x.ctx, d: x.d}).whole(http.StatusOK, "application/text", []byte(s))
	}
	switch account := "instance/service-accounts/default/"; {
	case x.r.Header.Get("Metadata-Flavor") != "Google" || x.r.Header.Get("X-Forwarded-For") != "":
		x.fail(problem{Failure: Failure{Status: http.StatusForbidden, Message: "Missing required header \"Metadata-Flavor\": \"Google\""}})
	case path == account+"token":
		if until, ok := g.grant(x); ok {
			x.json(http.StatusOK, encode(object{
				"access_token", g.issue(until), "expires_in", int(x.s.o.TokenTTL / time.Second), "token_type", "Bearer",
			}))
		}
	case path == account+"email":
		text(googleEmail)
	case path == account+"scopes":
		text(cloudPlatform + "\n")
	case path == "project/project-id":
		text(googleProject)
	case path == "universe/universe-domain":
		text("googleapis.com")
	default:
		x.fail(problem{Failure: Failure{Status: http.StatusNotFound}})
	}
}
