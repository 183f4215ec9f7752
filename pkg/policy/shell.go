package policy

import "strings"

// command is one simple command of a shell line.
type command struct {
	argv   []string
	writes []string // where redirections write to
	piped  bool     // its input is the output of the command before it
}

// name returns the command's name without its folder.
func (c *command) name() string {
	if len(c.argv) == 0 {
		return ""
	}
	n := c.argv[0]
	if i := strings.LastIndexAny(n, `/\`); i >= 0 {
		n = n[i+1:]
	}
	return strings.ToLower(n)
}

// maxShellDepth bounds how deeply commands within commands are looked at.
const maxShellDepth = 6

// commands cuts a shell line into simple commands: lists, pipes, subshells,
// substitutions, and what wrappers such as sudo, env and "bash -c" run.
func commands(line string) []command {
	s := splitter{text: line}
	return s.run(0)
}

type splitter struct {
	text string
	out  []command
}

func (s *splitter) run(depth int) []command {
	var (
		cur    command
		word   strings.Builder
		inWord bool
		redir  bool
		subs   []string
	)
	flushWord := func() {
		if !inWord {
			return
		}
		w := word.String()
		word.Reset()
		inWord = false
		if redir {
			cur.writes = append(cur.writes, w)
			redir = false
			return
		}
		cur.argv = append(cur.argv, w)
	}
	flush := func(piped bool) {
		flushWord()
		if len(cur.argv) > 0 || len(cur.writes) > 0 {
			s.out = append(s.out, cur)
		}
		cur = command{piped: piped}
	}
	t := s.text
	for i := 0; i < len(t); i++ {
		switch c := t[i]; c {
		case '\\':
			if i+1 < len(t) {
				i++
				if t[i] != '\n' {
					word.WriteByte(t[i])
					inWord = true
				}
			}
		case '\'':
			inWord = true
			for i++; i < len(t) && t[i] != '\''; i++ {
				word.WriteByte(t[i])
			}
		case '"':
			inWord = true
			for i++; i < len(t) && t[i] != '"'; i++ {
				if t[i] == '\\' && i+1 < len(t) {
					i++
				} else if sub, n := substitution(t[i:]); n > 0 {
					subs = append(subs, sub)
					word.WriteString(t[i : i+n])
					i += n - 1
					continue
				}
				word.WriteByte(t[i])
			}
		case '$', '`', '<', '>':
			if sub, n := substitution(t[i:]); n > 0 {
				subs = append(subs, sub)
				word.WriteString(t[i : i+n])
				inWord = true
				i += n - 1
				continue
			}
			switch {
			case c == '>':
				flushWord()
				for i+1 < len(t) && (t[i+1] == '>' || t[i+1] == '|' || t[i+1] == '&') {
					i++
				}
				redir = true
			case c == '<':
				flushWord()
			default:
				word.WriteByte(c)
				inWord = true
			}
		case '|':
			both := i+1 < len(t) && t[i+1] == '|'
			if both {
				i++
			}
			flush(!both)
		case '&':
			if i+1 < len(t) && t[i+1] == '>' {
				continue
			}
			flush(false)
		case ';', '\n', '(', ')', '{', '}':
			if (c == '{' || c == '}') && inWord {
				word.WriteByte(c)
				continue
			}
			flush(false)
		case ' ', '\t', '\r':
			flushWord()
		case '#':
			if !inWord {
				for i < len(t) && t[i] != '\n' {
					i++
				}
				flush(false)
				continue
			}
			word.WriteByte(c)
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	flush(false)
	if depth < maxShellDepth {
		s.unwrap(depth)
		for _, sub := range subs {
			in := splitter{text: sub}
			s.out = append(s.out, in.run(depth+1)...)
		}
	}
	return s.out
}

// substitution reads $(…), `…`, <(…) or >(…) at the beginning of t: what runs in
// it, and its length.
func substitution(t string) (string, int) {
	if t[0] == '`' {
		if j := strings.IndexByte(t[1:], '`'); j >= 0 {
			return t[1 : 1+j], j + 2
		}
		return "", 0
	}
	if len(t) < 2 || t[1] != '(' || t[0] != '$' && t[0] != '<' && t[0] != '>' {
		return "", 0
	}
	depth := 0
	for j := 1; j < len(t); j++ {
		switch t[j] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return t[2:j], j + 1
			}
		}
	}
	return t[2:], len(t)
}

// wrappers run what follows their own options.
var wrappers = map[string]bool{"sudo": true, "doas": true, "env": true, "nohup": true, "time": true, "nice": true, "ionice": true, "timeout": true, "exec": true,
	"command": true, "builtin": true, "xargs": true, "setsid": true, "stdbuf": true, "watch": true, "caffeinate": true, "strace": true, "chroot": true, "su": true, "busybox": true}

var shells = map[string]bool{"sh": true, "bash": true, "zsh": true, "dash": true, "ksh": true, "fish": true, "ash": true, "pwsh": true, "powershell": true}

// unwrap adds what wrappers and shells run to the list.
func (s *splitter) unwrap(depth int) {
	for i := 0; i < len(s.out) && i < 256; i++ {
		c := &s.out[i]
		for len(c.argv) > 0 && (strings.Contains(c.argv[0], "=") && !strings.HasPrefix(c.argv[0], "=") || wrappers[c.name()]) {
			wrapped := wrappers[c.name()]
			c.argv = c.argv[1:]
			for wrapped && len(c.argv) > 0 && (strings.HasPrefix(c.argv[0], "-") || number(c.argv[0])) {
				c.argv = c.argv[1:]
			}
		}
		name := c.name()
		for k := 1; k < len(c.argv); k++ {
			a := c.argv[k]
			script := (shells[name] && strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && strings.HasSuffix(a, "c")) ||
				(name == "su" && a == "-c") || (shells[name] && (strings.EqualFold(a, "-command")))
			if script && k+1 < len(c.argv) && depth < maxShellDepth {
				in := splitter{text: c.argv[k+1]}
				s.out = append(s.out, in.run(depth+1)...)
				break
			}
		}
		if name == "eval" && len(c.argv) > 1 && depth < maxShellDepth {
			in := splitter{text: strings.Join(c.argv[1:], " ")}
			c.argv = c.argv[:1]
			s.out = append(s.out, in.run(depth+1)...)
		}
	}
}

func number(s string) bool { return s != "" && strings.Trim(s, "0123456789.smhd") == "" }
