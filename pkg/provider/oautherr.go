package provider

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"

	"cloud.google.com/go/compute/metadata"
	"golang.org/x/oauth2"
)

// witness is a transport that remembers its last failure: Google's library
// keeps of it no more than the text.
type witness struct{ last atomic.Pointer[error] }

func (w *witness) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	w.last.Store(&err)
	return resp, err
}

func (w *witness) failure() error {
	if err := w.last.Load(); err != nil {
		return *err
	}
	return nil
}

// endpointStatus is the status by which a token endpoint refused, or 0.
func endpointStatus(err error) int {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response != nil {
		return refused.Response.StatusCode
	}
	var server *metadata.Error
	if errors.As(err, &server) {
		return server.Code
	}
	return 0
}

// endpointCode is the OAuth error code (RFC 6749 §5.2) in brackets, if there is
// one. It is all that is shown of the endpoint's answer, which may hold anything.
func endpointCode(err error) string {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		return ""
	}
	code := refused.ErrorCode
	if code == "" {
		var body struct {
			Error string `json:"error"`
		}
		_ = json.Unmarshal(refused.Body, &body) // not JSON: no code
		code = body.Error
	}
	if !validSlug(code) {
		return ""
	}
	return " (" + code + ")"
}

// redactOAuth leaves the body out of an endpoint's refusal.
func redactOAuth(err error) error {
	if status := endpointStatus(err); status > 0 {
		return fmt.Errorf("token endpoint answered %d%s", status, endpointCode(err))
	}
	return err
}

// isNetwork tells a failed connection from a failed credential.
func isNetwork(err error) bool {
	var (
		op  *net.OpError
		dns *net.DNSError
		u   *url.Error
	)
	return errors.As(err, &op) || errors.As(err, &dns) || errors.As(err, &u)
}
