package agent

import (
	"slices"
	"strings"
)

// Site is where clients are pointed.
type Site struct {
	Origin  string // the proxy's address without a path, such as http://localhost:9000
	Profile string // a valid profile's id
	// Token is what the door demands of every caller, or "".
	Token string
	// Serves tells that the proxy can call the provider of that name. Variables of
	// those that it cannot call are left as they are.
	Serves func(provider string) bool
	// Vertex tells that the proxy calls Gemini through Vertex AI.
	Vertex bool
}

// base is the base URL of a provider.
func (s Site) base(provider string) string { return s.Origin + "/v1/" + provider + "/" + s.Profile }

// Lookup returns a variable of the environment in which a client is to run.
type Lookup func(name string) (value string, ok bool)

// TokenHeader carries the token of a caller. It is the one of the proxy's door.
const TokenHeader = "X-Archestra-Token" //nolint:gosec // the name of a header

// TokenVar is the variable that holds the token.
const TokenVar = "ARCHESTRA_TOKEN" //nolint:gosec // the name of a variable

// Client is a program or a library that calls providers.
type Client struct {
	Name  string // one word, as records name it
	Title string // for people
	// Commands are the base names of its command. A library has none.
	Commands []string
	// Packages are the names under which npx, uvx and the like run it.
	Packages []string
	// Variables are those that it reads. Both spellings stand here where it reads two.
	Variables []Variable
	// Clear are variables by which it takes itself for nested in another one.
	Clear []string
	// Arguments go before the command's own.
	Arguments func(s Site, own []string, env Lookup) (args []string, limits []string)
	// Configure makes further variables out of what the environment has already.
	Configure func(s Site, env Lookup) (set []Setting, limits []string)
	// Header is the variable whose value becomes further headers of its requests,
	// in the form that it reads, or "" where it has none.
	Header *Header
	// Headers tells that it can send the token by another way than Header.
	Headers bool
	// Limits say what of its traffic does not come through, and why.
	Limits []string
}

// Variable is a variable that holds the base URL of a provider.
type Variable struct {
	Name     string
	Provider string
	Suffix   string // what the client wants behind the base URL
	Vertex   bool   // it holds Vertex AI's address
}

// Header is a variable that holds further headers, Name: value each.
type Header struct {
	Name      string
	Separator string // between two headers
}

// Setting is a variable and the value that it gets.
type Setting struct {
	Name, Value string
	// Secret tells that the value may hold a credential and is not to be shown.
	Secret bool
}

// Library tells that the client is no command of its own.
func (c *Client) Library() bool { return len(c.Commands) == 0 }

// Clients returns the table. The clients are shared: do not change them.
func Clients() []*Client { return slices.Clone(clients) }

// runners run a package, which is their first argument that is no flag; the
// words are those that may stand before it.
var runners = map[string][]string{
	"npx": nil, "bunx": nil, "uvx": nil,
	"pnpm": {"dlx", "exec"}, "yarn": {"dlx", "exec"}, "pipx": {"run"}, "bun": {"x"}, "uv": {"run", "tool"},
}

// Recognise says which client a command line runs, and where its own arguments
// begin. It knows a command by its base name, and a package that is run by npx,
// uvx and the like. The client is nil where it knows none.
func Recognise(argv []string) (c *Client, at int) {
	if len(argv) == 0 {
		return nil, 0
	}
	name := baseName(argv[0])
	if c := find(name); c != nil {
		return c, 1
	}
	words, ok := runners[name]
	if !ok {
		return nil, 0
	}
	for i, arg := range argv[1:] {
		if strings.HasPrefix(arg, "-") || slices.Contains(words, arg) {
			continue
		}
		if c := find(unversioned(arg)); c != nil {
			return c, i + 2
		}
		return nil, 0
	}
	return nil, 0
}

func find(name string) *Client {
	for _, c := range clients {
		if slices.Contains(c.Commands, name) || slices.Contains(c.Packages, name) {
			return c
		}
	}
	return nil
}

// baseName is a command's name without its folder and what Windows adds.
func baseName(path string) string {
	if i := strings.LastIndexAny(path, `/\`); i >= 0 {
		path = path[i+1:]
	}
	path = strings.ToLower(path)
	for _, ext := range []string{".exe", ".cmd", ".bat", ".ps1"} {
		path = strings.TrimSuffix(path, ext)
	}
	return path
}

// unversioned takes the version from a package's name: @scope/name@1.2.
func unversioned(name string) string {
	if i := strings.LastIndexByte(name, '@'); i > 0 {
		name = name[:i]
	}
	return name
}
