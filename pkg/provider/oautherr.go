package provider

import (
	"errors"
	"fmt"
	"net"
	"net/url"

	"golang.org/x/oauth2"
)

// redactOAuth keeps of an endpoint's refusal its status and error code; the body
// may hold anything, an assertion among it.
func redactOAuth(err error) error {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		return err
	}
	status := 0
	if refused.Response != nil {
		status = refused.Response.StatusCode
	}
	return fmt.Errorf("token endpoint answered %d%s", status, quoted(refused.ErrorCode))
}

// quoted is an OAuth error code (RFC 6749 §5.2) in brackets, if it is one.
func quoted(code string) string {
	if code == "" || len(code) > 64 || !validSlug(code) {
		return ""
	}
	return " (" + code + ")"
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
