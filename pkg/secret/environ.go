package secret

import (
	"net/url"
	"slices"
	"strings"
)

// secretWords are what the names of variables that hold secrets are made of, and
// secretEnds what their words end with where nothing parts them (PGPASSWORD).
var (
	secretWords = []string{"KEY", "APIKEY", "TOKEN", "SECRET", "SECRETS", "PASSWORD", "PASSWD", "PASS", "PWD", "CREDENTIAL", "CREDENTIALS", "AUTH", "PAT", "DSN", "COOKIE"}
	secretEnds  = []string{"APIKEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD"}
)

// aboutWords end the names of variables that say something about a secret.
var aboutWords = []string{"FILE", "PATH", "DIR", "URL", "URI", "HOST", "DOMAIN", "ENDPOINT", "ISSUER", "AUDIENCE", "ID", "NAME", "TYPE", "MODE", "METHOD", "PROVIDER", "SCOPE", "SCOPES", "HEADER", "PREFIX", "SOCK", "ALGORITHM"}

// FromEnvironment picks the secrets out of NAME=value pairs, such as those of
// os.Environ or of a .env file: by the words of the name, and only where the value is
// long enough and looks like no path, name or switch. Of a URL with a password in
// it (DATABASE_URL) it is the password, whatever the name.
func FromEnvironment(pairs []string) []Known {
	var list []Known
	for _, p := range pairs {
		name, value, ok := strings.Cut(p, "=")
		if value = strings.TrimSpace(value); !ok {
			continue
		}
		if strings.Contains(value, "://") {
			if u, err := url.Parse(value); err == nil && u.User != nil {
				if password, _ := u.User.Password(); len(password) >= MinKnown && !plainWord(password) {
					list = append(list, Known{Name: name, Value: password})
				}
			}
		}
		if secretName(name) && secretValue(value) {
			list = append(list, Known{Name: name, Value: value})
		}
	}
	return list
}

func secretName(name string) bool {
	words := strings.FieldsFunc(strings.ToUpper(name), func(r rune) bool { return r == '_' || r == '-' || r == '.' })
	if len(words) == 0 || name == "PWD" || name == "OLDPWD" || slices.Contains(aboutWords, words[len(words)-1]) {
		return false
	}
	return slices.ContainsFunc(words, func(w string) bool {
		return slices.Contains(secretWords, w) || slices.ContainsFunc(secretEnds, func(end string) bool { return strings.HasSuffix(w, end) })
	})
}

func secretValue(value string) bool {
	if len(value) < MinKnown || plainWord(value) || strings.HasPrefix(value, "unix:") {
		return false
	}
	for _, path := range []string{"/", "~", "./", "../"} {
		if strings.HasPrefix(value, path) {
			return false
		}
	}
	u, err := url.Parse(value)
	return err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != ""
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
