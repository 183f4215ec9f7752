package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/adrg/xdg"
	"github.com/joho/godotenv"
	"go.yaml.in/yaml/v3"
)

// maxFile bounds what is read of a configuration file or .env.
const maxFile = 1 << 20

// fileValues is what the configuration file holds.
type fileValues struct {
	settings  map[string]value
	providers map[string]Provider
	prices    *yaml.Node // the section of that name, or nil
}

// readFile reads the configuration file that v names, or else the one in the
// user's configuration folder, which may be missing.
func (c *Config) readFile(v value, lookupEnv func(string) (string, bool), workdir string) (*fileValues, error) {
	path := filepath.Join(xdgDir(lookupEnv, "XDG_CONFIG_HOME", xdg.ConfigHome), "archestra", "config.yaml")
	if v.text != "" {
		path = absolute(workdir, v.text)
	}
	out := &fileValues{settings: map[string]value{}, providers: map[string]Provider{}}
	data, mode, err := readBounded(path)
	if v.text == "" && errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return nil, &Error{Setting: "config", Origin: v.origin, Value: path, Problem: "cannot be read: " + reason(err), Accepts: "a YAML file"}
	}
	c.File = path
	secrets, err := out.parse(path, data)
	if err != nil {
		return nil, err
	}
	if secrets && runtime.GOOS != "windows" && mode.Perm()&0o077 != 0 {
		c.Warnings = append(c.Warnings, path+" holds secrets and other users may read it; chmod 600 it")
	}
	return out, nil
}

func readBounded(path string) ([]byte, fs.FileMode, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, errors.New("not a regular file")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if len(data) > maxFile {
		err = errors.New("larger than 1 MiB")
	}
	return data, info.Mode(), err
}

// reason is an error without the path that stands beside it anyway.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// parse reads the YAML. It walks the nodes itself, so that unknown and repeated
// keys are errors with a line, and a secret is in no error.
func (f *fileValues) parse(path string, data []byte) (secrets bool, err error) {
	fail := func(n *yaml.Node, format string, args ...any) error {
		return fmt.Errorf("%s:%d: %s", path, n.Line, fmt.Sprintf(format, args...))
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("%s: not YAML: %s", path, yamlReason(err))
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("%s: holds more than one document", path)
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return false, nil
	}
	if root.Kind != yaml.MappingNode {
		return false, fail(root, "the file must be a mapping of settings")
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, node := root.Content[i], root.Content[i+1]
		if seen[key.Value] {
			return false, fail(key, "%q stands twice", key.Value)
		}
		seen[key.Value] = true
		if key.Value == "providers" {
			keys, err := f.parseProviders(node, fail)
			if err != nil {
				return false, err
			}
			secrets = secrets || keys
			continue
		}
		if key.Value == "prices" {
			if node.Kind != yaml.MappingNode {
				return false, fail(node, "prices must be a mapping of provider names")
			}
			f.prices = node
			continue
		}
		s, ok := fileSetting(key.Value)
		if !ok {
			return false, fail(key, "unknown setting %q; known are %s", key.Value, strings.Join(fileKeys(), ", "))
		}
		text, ok := scalar(node, true)
		if !ok {
			return false, fail(node, "%s must be a single value%s", s.Name, "; accepted: "+s.Accepts)
		}
		secrets = secrets || s.Secret
		f.settings[s.Name] = value{text, fmt.Sprintf("%s:%d", path, node.Line)}
	}
	return secrets, nil
}

func (f *fileValues) parseProviders(node *yaml.Node, fail func(*yaml.Node, string, ...any) error) (keys bool, err error) {
	if node.Kind != yaml.MappingNode {
		return false, fail(node, "providers must be a mapping of provider names")
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, body := node.Content[i], node.Content[i+1]
		if _, twice := f.providers[name.Value]; twice {
			return false, fail(name, "providers.%s stands twice", name.Value)
		}
		if body.Kind != yaml.MappingNode {
			return false, fail(body, "providers.%s must be a mapping with base-url and api-key", name.Value)
		}
		var p Provider
		seen := map[string]bool{}
		for j := 0; j+1 < len(body.Content); j += 2 {
			key, node := body.Content[j], body.Content[j+1]
			text, ok := scalar(node, false)
			switch {
			case seen[key.Value]:
				return false, fail(key, "providers.%s.%s stands twice", name.Value, key.Value)
			case !ok:
				return false, fail(node, "providers.%s.%s must be a single value", name.Value, key.Value)
			case key.Value == "base-url":
				if err := CheckBaseURL(text); err != nil {
					return false, fail(node, "providers.%s.base-url %s; accepted: %s", name.Value, err, acceptsURL)
				}
				p.BaseURL = text
			case key.Value == "api-key":
				p.APIKey, keys = NewSecret(text), true
			default:
				return false, fail(key, "unknown setting providers.%s.%s; known are base-url and api-key", name.Value, key.Value)
			}
			seen[key.Value] = true
		}
		f.providers[name.Value] = p
	}
	return keys, nil
}

// scalar reads one value, or a list of them where that is allowed.
func scalar(n *yaml.Node, lists bool) (string, bool) {
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		return "", true
	case n.Kind == yaml.ScalarNode:
		return n.Value, true
	case n.Kind == yaml.SequenceNode && lists:
		var out []string
		for _, item := range n.Content {
			if item.Kind != yaml.ScalarNode {
				return "", false
			}
			out = append(out, item.Value)
		}
		return strings.Join(out, ","), true
	}
	return "", false
}

// yamlReason keeps the line of a YAML error and leaves out what it quotes.
func yamlReason(err error) string {
	head, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "yaml: "), "`")
	head, _, _ = strings.Cut(head, "'")
	return strings.TrimSpace(head)
}

func fileSetting(name string) (Setting, bool) {
	for _, s := range table {
		if s.Name == name && !s.NoFile {
			return s, true
		}
	}
	return Setting{}, false
}

func fileKeys() []string {
	var out []string
	for _, s := range table {
		if !s.NoFile {
			out = append(out, s.Name)
		}
	}
	return append(out, "providers", "prices")
}

// readDotenv reads .env. A file that is not one is an error without its content,
// which is secret; a missing file is none.
func readDotenv(path string) (map[string]string, error) {
	data, _, err := readBounded(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf(".env in the working directory is left out: it cannot be read: %s", reason(err))
	}
	vars, err := godotenv.UnmarshalBytes(data)
	if err != nil {
		return nil, errors.New(".env in the working directory is left out: it is not a list of NAME=value")
	}
	return vars, nil
}
