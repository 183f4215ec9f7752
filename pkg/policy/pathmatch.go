package policy

import "strings"

// cleanPath makes paths comparable: lower case, since many file systems do not
// tell case apart; "/" between parts; home folders as "~"; "." and ".." resolved.
func cleanPath(p string) string {
	p = strings.ToLower(strings.Trim(strings.TrimSpace(p), `"'`))
	p = strings.ReplaceAll(p, `\`, "/")
	for _, h := range []string{"$home", "${home}", "%userprofile%", "$env:userprofile"} {
		if rest, ok := strings.CutPrefix(p, h); ok {
			p = "~" + rest
		}
	}
	if rest, ok := strings.CutPrefix(p, "file://"); ok {
		p = rest
	}
	rooted := strings.HasPrefix(p, "/")
	var parts []string
	for _, s := range strings.Split(p, "/") {
		switch s {
		case "", ".":
		case "..":
			if n := len(parts); n > 0 && parts[n-1] != ".." {
				parts = parts[:n-1]
			} else if !rooted {
				parts = append(parts, s)
			}
		default:
			parts = append(parts, s)
		}
	}
	p = strings.Join(parts, "/")
	if rooted {
		p = "/" + p
	}
	if rooted && len(parts) > 1 {
		switch {
		case parts[0] == "root":
			p = strings.TrimSuffix("~/"+strings.Join(parts[1:], "/"), "/")
		case (parts[0] == "home" || parts[0] == "users") && len(parts) > 2:
			p = "~/" + strings.Join(parts[2:], "/")
		}
	}
	if len(p) > 2 && p[1] == ':' && strings.HasPrefix(p[2:], "/users/") && len(parts) > 3 {
		p = "~/" + strings.Join(parts[3:], "/")
	}
	if p == "" && len(parts) == 0 && !rooted {
		return "."
	}
	return p
}

// pathPattern is a folder or file that path_under names: "~/work", "/etc/cron*",
// "**/.ssh" for a part of that name anywhere.
type pathPattern struct {
	parts    []string
	anywhere bool
}

func newPathPattern(s string) pathPattern {
	rest, anywhere := strings.CutPrefix(s, "**/")
	p := cleanPath(rest)
	p = strings.TrimSuffix(p, "/") // of the root, nothing is left: every rooted path begins with it
	return pathPattern{parts: strings.Split(p, "/"), anywhere: anywhere}
}

// holds tells whether a path is the pattern's or lies in it.
func (pp pathPattern) holds(path string) bool {
	parts := strings.Split(cleanPath(path), "/")
	last := 0
	if pp.anywhere {
		last = len(parts) - len(pp.parts)
	}
	for at := 0; at <= last; at++ {
		if at+len(pp.parts) > len(parts) {
			return false
		}
		ok := true
		for i, want := range pp.parts {
			if !glob(want, parts[at+i]) {
				ok = false
				break
			}
		}
		if ok {
			return true
		}
	}
	return false
}

// glob matches a whole text with a pattern in which * stands for anything.
func glob(pattern, s string) bool {
	before, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == s
	}
	if !strings.HasPrefix(s, before) {
		return false
	}
	s = s[len(before):]
	for {
		part, more, wild := strings.Cut(rest, "*")
		if !wild {
			return strings.HasSuffix(s, part)
		}
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s, rest = s[i+len(part):], more
	}
}
