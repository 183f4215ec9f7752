package agent

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Shell is a form in which variables are printed.
type Shell string

// The shells.
const (
	Bash Shell = "bash"
	Zsh  Shell = "zsh"
	Fish Shell = "fish"
	Pwsh Shell = "pwsh"
	JSON Shell = "json"
)

// Shells lists the shells in the order in which to name them.
func Shells() []Shell { return []Shell{Bash, Zsh, Fish, Pwsh, JSON} }

// ShellOf says which shell a path such as $SHELL names: bash where it is another
// one, which understands the same.
func ShellOf(path string) Shell {
	switch name := Shell(baseName(path)); name {
	case Zsh, Fish, Pwsh:
		return name
	case "powershell":
		return Pwsh
	}
	return Bash
}

// Print writes the settings as commands of a shell, one a line, or as one JSON object.
func (sh Shell) Print(set []Setting) (string, error) {
	if sh == JSON {
		object := make(map[string]string, len(set))
		for _, v := range set {
			object[v.Name] = v.Value
		}
		b, err := json.Marshal(object)
		return string(b) + "\n", err
	}
	var b strings.Builder
	for _, v := range set {
		switch sh {
		case Fish:
			fmt.Fprintf(&b, "set -gx %s %s\n", v.Name, sh.Quote(v.Value))
		case Pwsh:
			fmt.Fprintf(&b, "$env:%s = %s\n", v.Name, sh.Quote(v.Value))
		default:
			fmt.Fprintf(&b, "export %s=%s\n", v.Name, sh.Quote(v.Value))
		}
	}
	return b.String(), nil
}

// Quote makes one word of a value, whatever is in it.
func (sh Shell) Quote(value string) string {
	switch sh {
	case JSON:
		return object(value)
	case Fish: // https://fishshell.com/docs/current/language.html#quotes
		return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
	case Pwsh: // about_Quoting_Rules; typographic quotes count as quotes there
		var b strings.Builder
		b.WriteByte('\'')
		for _, r := range value {
			if strings.ContainsRune("'‘’‚‛", r) {
				b.WriteRune(r)
			}
			b.WriteRune(r)
		}
		b.WriteByte('\'')
		return b.String()
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'" // POSIX, 2.2.2
}
