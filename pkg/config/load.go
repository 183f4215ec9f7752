package config

import (
	"fmt"
	"path/filepath"

	"github.com/adrg/xdg"
	"github.com/spf13/pflag"
)

// Error is a setting that cannot be used. Its text names the setting, where the
// value came from and what is accepted; the value itself only if it is not secret.
type Error struct {
	Setting string
	Origin  string
	Value   string // "" for a secret
	Problem string
	Accepts string
}

func (e *Error) Error() string {
	value := ""
	if e.Value != "" {
		value = fmt.Sprintf(" %q", e.Value)
	}
	out := fmt.Sprintf("%s:%s from %s %s", e.Setting, value, e.Origin, e.Problem)
	if e.Accepts != "" {
		out += "; accepted: " + e.Accepts
	}
	return out
}

// Origins of values that are not a variable or a line of a file.
const (
	FromFlag    = "the command line"
	FromDefault = "the default"
)

// Load reads the settings, each from the first place that has it: the flags that
// were given, the environment, .env in workdir, the configuration file, the
// defaults. An empty variable counts as not set. It looks at nothing but its
// arguments and these files; flags may be nil.
func Load(lookupEnv func(string) (string, bool), workdir string, flags *pflag.FlagSet) (*Config, error) {
	c := &Config{Providers: map[string]Provider{}}
	dotenv, err := readDotenv(filepath.Join(workdir, ".env"))
	if err != nil {
		c.Warnings = append(c.Warnings, err.Error())
	}
	c.dotenv = dotenv
	c.env = func(name string) (string, string, bool) {
		if name == "" {
			return "", "", false
		}
		if v, ok := lookupEnv(name); ok && v != "" {
			return v, name, true
		}
		if v := dotenv[name]; v != "" {
			return v, name + " in .env", true
		}
		return "", "", false
	}

	values := map[string]value{}
	var file *fileValues
	for _, s := range table {
		v := c.find(s, flags)
		if s.Name == "config" {
			if file, err = c.readFile(v, lookupEnv, workdir); err != nil {
				return nil, err
			}
		}
		values[s.Name] = v
	}
	for _, s := range table {
		v := values[s.Name]
		if fromFile, ok := file.settings[s.Name]; ok && v.origin == FromDefault {
			v = fromFile
		}
		if s.Name == "config" {
			continue
		}
		if v.text == "" && v.origin == FromDefault {
			continue
		}
		if err := s.bind(c)(v.text); err != nil {
			return nil, s.wrong(v, err.Error())
		}
	}
	c.Providers = file.providers
	c.prices = file.prices
	if c.DataDir == "" {
		c.DataDir = filepath.Join(xdgDir(lookupEnv, "XDG_STATE_HOME", xdg.StateHome), "archestra")
	}
	c.DataDir = absolute(workdir, c.DataDir)
	if c.Guard.Policy == "" {
		dir := filepath.Join(xdgDir(lookupEnv, "XDG_CONFIG_HOME", xdg.ConfigHome), "archestra")
		if c.File != "" {
			dir = filepath.Dir(c.File)
		}
		c.Guard.Policy = filepath.Join(dir, "policy.yaml")
	}
	c.Guard.Policy = absolute(workdir, c.Guard.Policy)
	if c.Vertex.CredentialsFile != "" {
		c.Vertex.CredentialsFile = absolute(workdir, c.Vertex.CredentialsFile)
	}
	return c, c.check(values, file)
}

type value struct{ text, origin string }

// find looks for a setting in the flags, the environment and .env.
func (c *Config) find(s Setting, flags *pflag.FlagSet) value {
	if flags != nil && !s.Secret && !s.NoFlag {
		if f := flags.Lookup(s.Name); f != nil && f.Changed {
			return value{f.Value.String(), FromFlag}
		}
	}
	if text, origin, ok := c.env(s.Var); ok {
		if s.Trusted && origin != s.Var {
			c.Warnings = append(c.Warnings, s.Var+" is taken from .env in the working directory")
		}
		return value{text, origin}
	}
	return value{s.Default, FromDefault}
}

func (s Setting) wrong(v value, problem string) *Error {
	e := &Error{Setting: s.Name, Origin: v.origin, Value: v.text, Problem: problem, Accepts: s.Accepts}
	if s.Secret {
		e.Value = ""
	}
	return e
}

// check is what one setting demands of another.
func (c *Config) check(values map[string]value, file *fileValues) error {
	from := func(name string) string {
		v := values[name]
		if f, ok := file.settings[name]; ok && v.origin == FromDefault {
			return f.origin
		}
		return v.origin
	}
	if c.Vertex.Enabled && c.Vertex.Project == "" {
		return &Error{Setting: "gemini-vertex-ai-project", Origin: FromDefault, Problem: "is empty, and Vertex AI is enabled by " + from("gemini-vertex-ai-enabled"),
			Accepts: "a Google Cloud project id in ARCHESTRA_GEMINI_VERTEX_AI_PROJECT"}
	}
	if t := c.Access.Token; !t.IsZero() && len(t.Reveal()) < minToken {
		return &Error{Setting: "token", Origin: from("token"), Problem: "is too short to keep anyone out", Accepts: "at least 16 characters"}
	}
	if Loopback(c.Host) {
		return nil
	}
	if !c.Access.AllowRemote {
		return &Error{Setting: "host", Origin: from("host"), Value: c.Host, Problem: "is not a loopback address, and others could call with your keys",
			Accepts: "127.0.0.1, ::1 or localhost; or --allow-remote with a token in ARCHESTRA_TOKEN"}
	}
	if c.Access.Token.IsZero() {
		return &Error{Setting: "token", Origin: FromDefault, Problem: "is empty, and allow-remote is on", Accepts: "at least 16 characters in ARCHESTRA_TOKEN"}
	}
	return nil
}

// minToken is the least length of a token.
const minToken = 16

func absolute(workdir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(workdir, path)
}

// xdgDir is a folder of the XDG Base Directory Specification, which ignores
// values that are not absolute.
func xdgDir(lookupEnv func(string) (string, bool), name, fallback string) string {
	if v, ok := lookupEnv(name); ok && filepath.IsAbs(v) {
		return v
	}
	return fallback
}
