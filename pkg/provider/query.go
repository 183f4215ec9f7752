package provider

import (
	"net/url"
	"strings"
)

// cutQuery removes the parameters that cut takes, and keeps the bytes of all
// others.
func cutQuery(raw string, cut func(name, value string) bool) string {
	if raw == "" {
		return ""
	}
	parts := strings.Split(raw, "&")
	kept := parts[:0]
	for _, part := range parts {
		name, value, _ := strings.Cut(part, "=")
		if !cut(queryName(name), value) {
			kept = append(kept, part)
		}
	}
	if len(kept) == len(parts) {
		return raw
	}
	return strings.Join(kept, "&")
}

// queryName is a parameter's name as a server reads it.
func queryName(escaped string) string {
	name, err := url.QueryUnescape(escaped)
	if err != nil {
		name = escaped
	}
	return strings.ToLower(name)
}

func unescape(value string) string {
	if v, err := url.QueryUnescape(value); err == nil {
		return v
	}
	return value
}
