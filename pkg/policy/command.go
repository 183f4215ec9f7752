package policy

import (
	"strings"

	"github.com/archestra-ai/archestra-cli/pkg/policy/fact"
	"github.com/archestra-ai/archestra-cli/pkg/policy/lex"
)

// lines returns the shell lines of a call that executes: every text argument, and
// the elements of a list ("command": ["bash", "-lc", "…"]) as one line.
func shellLines(f *fact.Facts) []string {
	var out []string
	list := ""
	var argv []string
	flush := func() {
		if len(argv) > 0 {
			out = append(out, strings.Join(argv, " "))
		}
		argv = nil
	}
	for _, l := range f.Leaves() {
		base, _, isList := strings.Cut(l.Path, "[")
		if !isList {
			flush()
			out = append(out, l.Value)
			continue
		}
		if base != list {
			flush()
			list = base
		}
		argv = append(argv, "'"+strings.ReplaceAll(l.Value, "'", `'\''`)+"'")
	}
	flush()
	return out
}

// shellCommands returns the simple commands of a call that executes.
func shellCommands(f *fact.Facts) []command {
	var out []command
	for _, line := range shellLines(f) {
		out = append(out, commands(line)...)
	}
	return out
}

// denyCommand blocks what no honest task does after untrusted input.
func denyCommand(f *fact.Facts) *finding {
	cmds := shellCommands(f)
	for _, line := range shellLines(f) {
		if strings.Contains(strings.ReplaceAll(line, " ", ""), ":(){:|:&};:") {
			return &finding{rule: wipes, value: telling(f), place: f.Doubt, note: "multiplies itself without end"}
		}
	}
	for i := range cmds {
		if note := destroys(&cmds[i]); note != "" {
			return &finding{rule: wipes, value: telling(f), place: f.Doubt, note: note}
		}
	}
	if runsFromNet(cmds) {
		for i := range f.Values {
			if v := &f.Values[i]; v.Kind == lex.Host && v.Origin == fact.Prose && !v.Linked() {
				return &finding{rule: pipedShell, value: v, place: v.Proof()}
			}
		}
	}
	for i := range f.Values {
		if v := &f.Values[i]; v.Kind.Strong() && onlyTainted(v) {
			return &finding{rule: attackID, value: v, place: v.Proof()}
		}
	}
	return nil
}

// askCommand asks about commands that reach where only a text led.
func askCommand(f *fact.Facts) *finding {
	cmds := shellCommands(f)
	for i := range f.Values {
		if v := &f.Values[i]; (v.Kind == lex.Host || v.Kind == lex.Email) && v.Origin == fact.Prose && !v.Linked() {
			return &finding{rule: shellHost, value: v, place: v.Proof()}
		}
	}
	if runsFromNet(cmds) {
		return doubtful(shellPipe, f)
	}
	if f.Labels.Tainted && !looksOnly(cmds) {
		return &finding{rule: afterAttack, value: telling(f), place: taintedPlace(f)}
	}
	return nil
}

// destroys tells what a command would take away beyond repair, or "".
func destroys(c *command) string {
	for _, w := range c.writes {
		if device(w) {
			return "writes over a disk"
		}
	}
	args := c.argv
	if len(args) == 0 {
		return ""
	}
	switch name := c.name(); {
	case name == "rm" || name == "rmdir" || name == "del" || name == "rd" || name == "remove-item":
		deep, targets := flags(args[1:], "rR", "recursive", "recurse", "/s")
		if deep {
			for _, t := range targets {
				if vital(t) {
					return "removes " + quoted(t) + " and all that is in it"
				}
			}
		}
	case name == "find":
		if len(args) > 1 && vital(args[1]) {
			for i, a := range args {
				if a == "-delete" || a == "-exec" && i+1 < len(args) && strings.HasSuffix(args[i+1], "rm") {
					return "removes what it finds in " + quoted(args[1])
				}
			}
		}
	case name == "dd":
		for _, a := range args[1:] {
			if to, ok := strings.CutPrefix(a, "of="); ok && device(to) {
				return "writes over a disk"
			}
		}
	case strings.HasPrefix(name, "mkfs") || name == "wipefs" || name == "format" || name == "diskpart" || name == "fdisk" || name == "shred" && anyArg(args, device):
		if name == "fdisk" && !anyArg(args, device) || name == "format" && len(args) < 2 {
			break
		}
		return "erases a disk"
	case name == "chmod" || name == "chown":
		if deep, targets := flags(args[1:], "R", "recursive"); deep {
			for _, t := range targets {
				if vital(t) {
					return "changes the rights of everything in " + quoted(t)
				}
			}
		}
	case name == "kill" && len(args) > 2 && args[len(args)-1] == "-1":
		return "ends every process"
	}
	return ""
}

func anyArg(args []string, is func(string) bool) bool {
	for _, a := range args[1:] {
		if is(a) {
			return true
		}
	}
	return false
}

// flags tells whether one of the short or long options is set, and returns what
// is no option.
func flags(args []string, short string, long ...string) (set bool, rest []string) {
	for i, a := range args {
		low := strings.ToLower(strings.TrimLeft(a, "-"))
		switch {
		case a == "--":
			return set, append(rest, args[i+1:]...)
		case strings.HasPrefix(a, "--") || strings.HasPrefix(a, "/") && len(a) == 2:
			for _, l := range long {
				set = set || low == l || a == l
			}
		case strings.HasPrefix(a, "-") && len(a) > 1:
			set = set || strings.ContainsAny(a[1:], short)
			for _, l := range long {
				set = set || low == l
			}
		default:
			rest = append(rest, a)
		}
	}
	return set, rest
}

func device(p string) bool {
	for _, d := range []string{"/dev/sd", "/dev/hd", "/dev/nvme", "/dev/disk", "/dev/vd", "/dev/xvd", "/dev/mmcblk", `\\.\physicaldrive`} {
		if strings.HasPrefix(strings.ToLower(p), d) {
			return true
		}
	}
	return false
}

// vital tells whether a path is one that holds everything: the root, a home, the
// working folder, a system's folder.
func vital(p string) bool {
	p = cleanPath(strings.TrimSuffix(strings.TrimSuffix(p, "*"), "/."))
	switch p {
	case "", "/", "~", ".", "..", "c:", "$pwd", "${pwd}", "/home", "/users", "/root", "/*":
		return true
	}
	parts := strings.Split(strings.TrimPrefix(p, "/"), "/")
	if len(parts) == 1 && strings.HasPrefix(p, "/") {
		switch parts[0] {
		case "bin", "boot", "dev", "etc", "lib", "lib64", "opt", "sbin", "srv", "sys", "system", "usr", "var", "library", "applications", "volumes", "mnt", "media":
			return true
		}
	}
	return len(parts) == 2 && strings.HasPrefix(p, "/") && (parts[0] == "home" || parts[0] == "users")
}

var fetchers = map[string]bool{"curl": true, "wget": true, "fetch": true, "aria2c": true, "iwr": true, "invoke-webrequest": true, "irm": true, "http": true}

var interpreters = map[string]bool{"python": true, "python3": true, "perl": true, "ruby": true, "node": true, "php": true, "iex": true, "invoke-expression": true, "source": true, ".": true, "eval": true, "osascript": true, "deno": true, "bun": true, "tclsh": true, "lua": true}

// runsFromNet tells whether what is fetched is run at once: curl … | sh,
// bash <(curl …), eval "$(curl …)".
func runsFromNet(cmds []command) bool {
	fetch := false
	for i := range cmds {
		fetch = fetch || fetchers[cmds[i].name()]
	}
	if !fetch {
		return false
	}
	for i := range cmds {
		c := &cmds[i]
		n := c.name()
		if !shells[n] && !interpreters[n] {
			continue
		}
		if c.piped {
			// Back along the pipe to a fetcher.
			for k := i - 1; k >= 0; k-- {
				if fetchers[cmds[k].name()] {
					return true
				}
				if !cmds[k].piped {
					break
				}
			}
		}
		if n == "eval" || n == "iex" || n == "invoke-expression" {
			return true
		}
		for _, a := range c.argv[1:] {
			if strings.HasPrefix(a, "<(") || strings.HasPrefix(a, "$(") || strings.HasPrefix(a, "`") {
				return true
			}
		}
	}
	return false
}

var lookers = map[string]bool{"ls": true, "cat": true, "head": true, "tail": true, "grep": true, "rg": true, "pwd": true, "cd": true, "echo": true, "wc": true, "sort": true, "uniq": true, "diff": true,
	"cut": true, "tr": true, "stat": true, "file": true, "which": true, "whoami": true, "date": true, "tree": true, "du": true, "df": true, "true": true, "test": true, "[": true, "jq": true, "printf": true, "basename": true, "dirname": true}

// looksOnly tells whether commands do no more than look.
func looksOnly(cmds []command) bool {
	for i := range cmds {
		c := &cmds[i]
		if len(c.writes) > 0 && !(len(c.writes) == 1 && (c.writes[0] == "/dev/null" || c.writes[0] == "1" || c.writes[0] == "2")) {
			return false
		}
		n := c.name()
		if n == "git" && len(c.argv) > 1 {
			switch c.argv[1] {
			case "status", "diff", "log", "show", "branch", "blame", "grep", "rev-parse", "ls-files":
				continue
			}
			return false
		}
		if n != "" && !lookers[n] {
			return false
		}
	}
	return len(cmds) > 0
}

// targets returns the paths that commands write to, as far as their shape tells.
func targets(cmds []command) []string {
	var out []string
	for i := range cmds {
		c := &cmds[i]
		out = append(out, c.writes...)
		if len(c.argv) < 2 {
			continue
		}
		_, rest := flags(c.argv[1:], "")
		switch n := c.name(); n {
		case "tee", "rm", "touch", "truncate", "chmod", "chown", "mkdir", "unlink", "shred", "nano", "vi", "vim", "ed":
			out = append(out, rest...)
		case "cp", "mv", "ln", "install", "rsync", "scp":
			if len(rest) > 0 {
				out = append(out, rest[len(rest)-1])
			}
			if n == "mv" {
				out = append(out, rest...)
			}
		case "sed", "perl":
			if inPlace, files := flags(c.argv[1:], "i"); inPlace && len(files) > 0 {
				out = append(out, files...)
			}
		case "curl", "wget":
			for k, a := range c.argv {
				if (a == "-o" || a == "-O" || a == "--output" || a == "--output-document") && k+1 < len(c.argv) {
					out = append(out, c.argv[k+1])
				}
			}
		case "dd":
			for _, a := range c.argv {
				if to, ok := strings.CutPrefix(a, "of="); ok {
					out = append(out, to)
				}
			}
		case "crontab":
			if len(rest) > 0 || len(c.argv) > 1 && (c.argv[1] == "-" || c.argv[1] == "-e" || c.argv[1] == "-r") {
				out = append(out, "/var/spool/cron")
			}
		case "ssh-copy-id":
			out = append(out, "~/.ssh/authorized_keys")
		case "git":
			if len(c.argv) > 2 && c.argv[1] == "config" && strings.Contains(strings.Join(c.argv, " "), "--global") {
				out = append(out, "~/.gitconfig")
			}
		}
	}
	return out
}
