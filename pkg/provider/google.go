package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
)

// cloudScope is the one scope that Vertex AI needs.
const cloudScope = "https://www.googleapis.com/auth/cloud-platform"

// googleTimeout bounds one call to a token endpoint.
const googleTimeout = 10 * time.Second

// fetchGoogle gets a new access token from Application Default Credentials of
// any type. It reads the file each time, so that a rotated key is seen.
// Source: https://cloud.google.com/docs/authentication/application-default-credentials.
func fetchGoogle(ctx context.Context, file string) (token, error) {
	seen := &witness{}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Timeout: googleTimeout, Transport: seen})
	creds, err := loadGoogle(ctx, file)
	if err != nil {
		return token{}, err
	}
	t, err := creds.TokenSource.Token()
	if err != nil {
		return token{}, errors.Join(err, seen.failure())
	}
	var extra struct {
		QuotaProject string `json:"quota_project_id"`
	}
	_ = json.Unmarshal(creds.JSON, &extra) // absent with the metadata server
	return token{value: t.AccessToken, expiry: t.Expiry, quotaProject: extra.QuotaProject}, nil
}

func loadGoogle(ctx context.Context, file string) (*google.Credentials, error) {
	if file == "" {
		return google.FindDefaultCredentials(ctx, cloudScope)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var kind struct {
		Type google.CredentialsType `json:"type"`
	}
	if err := json.Unmarshal(data, &kind); err != nil {
		return nil, errors.New("the credentials file is not JSON")
	}
	// The file is named by the user, so any type is taken as it says.
	return google.CredentialsFromJSONWithType(ctx, data, kind.Type, cloudScope)
}

// explain turns a failed refresh into an answer: 401 where the credentials are
// missing or refused, 503 where the token endpoint did not work. The cause is
// for the log; it may quote an endpoint's answer, so the message does not.
func (v *vertex) explain(err error) error {
	source := v.source
	if source == "" {
		source = "Application Default Credentials"
	}
	e := &Error{Status: http.StatusUnauthorized, Code: "vertex_credentials", Format: geminiFormat, err: redactOAuth(err)}
	var path *fs.PathError
	switch status := endpointStatus(err); {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		e.Status = http.StatusServiceUnavailable
		e.Message = "The request ended while a Vertex AI access token was fetched."
	case errors.As(err, &path):
		e.Message = "archestra cannot read the Vertex AI credentials file that " + source + " names: " + path.Err.Error() + "."
	case status >= 500 || status == http.StatusTooManyRequests:
		e.Status = http.StatusServiceUnavailable
		e.Message = fmt.Sprintf("The token endpoint of the Vertex AI credentials (%s) failed with status %d. Try again.", source, status)
	case status > 0:
		e.Message = fmt.Sprintf("The token endpoint refused the Vertex AI credentials (%s) with status %d%s. Renew them: `gcloud auth application-default login`, or a valid key file in ARCHESTRA_GEMINI_VERTEX_AI_CREDENTIALS_FILE.",
			source, status, endpointCode(err))
	case isNetwork(err):
		e.Status = http.StatusServiceUnavailable
		e.Message = "The token endpoint of the Vertex AI credentials (" + source + ") cannot be reached. Try again."
	default:
		e.Message = "archestra has no usable Vertex AI credentials (" + source + "). Run `gcloud auth application-default login`, or name a credentials file in ARCHESTRA_GEMINI_VERTEX_AI_CREDENTIALS_FILE."
	}
	return e
}
