package secret

import (
	"slices"
	"strings"
)

// secretWords are what the names of variables that hold secrets are made of.
var secretWords = []string{"KEY", "APIKEY", "TOKEN", "SECRET", "SECRETS", "PASSWORD", "PASSWD", "PASS", "PWD", "CREDENTIAL", "CREDENTIALS", "AUTH", "PAT", "DSN", "COOKIE"}

// FromEnvironment picks the secrets out of NAME=value pairs, such as those of
// os.Environ or of a .env file: by the words of the name, and only where the
// value is long enough and looks like no path, name or switch.
func FromEnvironment(pairs []string) []Known {
	var list []Known
	for _, p := range pairs {
		name, value, ok := strings.Cut(p, "=")
		value = strings.TrimSpace(value)
		words := strings.FieldsFunc(strings.ToUpper(name), func(r rune) bool { return r == '_' || r == '-' || r == '.' })
		if !ok || len(value) < MinKnown || !slices.ContainsFunc(words, func(w string) bool { return slices.Contains(secretWords, w) }) {
			continue
		}
		if name == "PWD" || name == "OLDPWD" || strings.HasPrefix(value, "/") || strings.HasPrefix(value, "~") || strings.HasPrefix(value, "unix:") || plainWord(value) {
			continue
		}
		list = append(list, Known{Name: name, Value: value})
	}
	return list
}

// plainWord tells that a value is one word of small letters, or a few of them:
// a mode or a name, which other texts hold too.
func plainWord(value string) bool {
	for i := range len(value) {
		if c := value[i]; (c < 'a' || c > 'z') && c != '-' && c != '_' {
			return false
		}
	}
	return len(value) < 20
}
