package config

import "log/slog"

// Redacted is what a secret shows as.
const Redacted = "[redacted]"

// Secret is a string that does not print. Only Reveal gives it away.
type Secret struct {
	// A pointer, since fmt calls no method of a value in an unexported field and
	// would print a string there.
	value *string
}

// NewSecret wraps a value.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{&value}
}

// Reveal returns the value.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero tells that there is no secret.
func (s Secret) IsZero() bool { return s.value == nil }

// String hides the value.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return Redacted
}

// GoString hides the value from %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides the value from every encoder, JSON and YAML among them.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue hides the value from log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
